use super::*;

fn way(method: &Method, path: &str) -> Way {
    match (method.as_str(), path) {
        ("GET", "/confirm") => Way::AnyName,
        (_, "/page") => Way::Link,
        (_, "/stripe.js") => Way::Script,
        _ => Way::Call,
    }
}

fn door() -> Door {
    Door {
        hosts: vec!["host.docker.internal".into(), "172.17.0.1".into()],
        origins: vec![
            "http://127.0.0.1:9000".into(),
            "http://localhost:5173".into(),
        ],
        way,
    }
}

/// `GET /path name: value, name: value`, with a host of this machine unless it names one.
fn asked(request: &str) -> Result<(), Refusal> {
    let mut words = request.splitn(3, ' ');
    let mut head = http::Request::builder()
        .method(words.next().unwrap())
        .uri(words.next().unwrap());
    let more = words.next().unwrap_or_default();
    if !more.split(", ").any(|header| header.starts_with("host:")) {
        head = head.header("host", "127.0.0.1:9000");
    }
    for (name, value) in more
        .split(", ")
        .filter_map(|header| header.split_once(": "))
    {
        head = head.header(name, value);
    }
    door().admit(&head.body(()).unwrap().into_parts().0)
}

#[track_caller]
fn check(expected: &Result<(), Refusal>, requests: &[&str]) {
    for request in requests {
        assert_eq!(asked(request), *expected, "{request}");
    }
}

#[test]
fn this_machine_is_known_by_its_own_names_alone() {
    check(
        &Ok(()),
        &[
            "POST /call",
            "POST /call host: localhost",
            "POST /call host: LOCALHOST:9000",
            "POST /call host: [::1]:9000",
            "POST /call host: 127.0.0.2:9000",
            "POST /call host: host.docker.internal:9001",
            "POST /call host: 172.17.0.1:9001",
            "POST http://127.0.0.1:9000/call",
            // A tunnel has a name of its own.
            "GET /confirm host: abc.tunnel.example",
        ],
    );
    check(
        &Err(Refusal::Name),
        &[
            "POST /call host: evil.example:9000",
            "POST /call host: localhost.evil.example",
            "POST /call host: localhost@evil.example",
            "POST /call host: evil.example@localhost",
            "POST /call host: localhost/evil.example",
            "POST /call host: localhost.",
            "POST /call host: 172.17.0.2",
            "POST /call host: 192.168.1.7:9000",
            "POST /call host: 0.0.0.0:9000",
            "POST /call host: ",
            "POST /call host: 127.0.0.1, host: evil.example",
            "POST http://evil.example/call",
            "GET /page host: evil.example",
            "GET /stripe.js host: evil.example",
            "POST /confirm host: abc.tunnel.example",
        ],
    );
    let nameless = http::Request::builder().uri("/call").body(()).unwrap();
    assert_eq!(door().admit(&nameless.into_parts().0), Err(Refusal::Name));
}

#[test]
fn a_page_calls_if_it_is_named_as_a_caller() {
    check(
        &Ok(()),
        &[
            "POST /call origin: http://127.0.0.1:9000, sec-fetch-site: same-origin",
            "POST /call origin: http://localhost:5173, sec-fetch-site: cross-site",
            "OPTIONS /call origin: http://localhost:5173",
            "GET /call sec-fetch-site: same-origin",
            "GET /call sec-fetch-site: none",
        ],
    );
    check(
        &Err(Refusal::Page),
        &[
            "POST /call origin: https://evil.example, sec-fetch-site: cross-site",
            "POST /call origin: http://127.0.0.1:9001, sec-fetch-site: same-site",
            "POST /call origin: http://localhost:5174",
            "POST /call origin: http://localhost:5173.evil.example",
            "POST /call origin: null",
            "POST /call origin: ",
            "POST /call origin: http://localhost:5173, origin: https://evil.example",
            "OPTIONS /call origin: https://evil.example",
            // Images, scripts, styles and frames have no origin.
            "GET /call sec-fetch-site: cross-site, sec-fetch-mode: no-cors, sec-fetch-dest: script",
            "GET /call sec-fetch-site: same-site, sec-fetch-mode: no-cors, sec-fetch-dest: image",
            "GET /page sec-fetch-site: cross-site, sec-fetch-mode: no-cors, sec-fetch-dest: script",
            "GET /page sec-fetch-site: cross-site, sec-fetch-mode: navigate, sec-fetch-dest: iframe",
            "POST /page sec-fetch-site: cross-site, sec-fetch-mode: navigate, sec-fetch-dest: document",
            "GET /confirm host: a.tunnel.example, sec-fetch-site: cross-site, sec-fetch-mode: no-cors, sec-fetch-dest: image",
            "GET /call sec-fetch-site: cross-site, sec-fetch-mode: navigate, sec-fetch-dest: document",
        ],
    );
}

#[test]
fn a_link_may_lead_here_from_anywhere_and_a_script_to_named_callers() {
    let followed = "sec-fetch-site: cross-site, sec-fetch-mode: navigate, sec-fetch-dest: document";
    let loaded = "sec-fetch-site: cross-site, sec-fetch-mode: no-cors, sec-fetch-dest: script";
    check(
        &Ok(()),
        &[
            &format!("GET /page {followed}"),
            &format!("GET /confirm host: abc.tunnel.example, {followed}"),
            &format!("GET /stripe.js referer: http://localhost:5173/account, {loaded}"),
        ],
    );
    check(
        &Err(Refusal::Page),
        &[
            &format!("GET /stripe.js {loaded}"),
            &format!("GET /stripe.js referer: https://evil.example/, {loaded}"),
            &format!("GET /stripe.js {followed}"),
        ],
    );
}
