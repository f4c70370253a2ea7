//! Just enough HTTP/1.1 to stand between a client and a service, and to break off at any byte.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::behind::Answer;

/// More than any request here needs.
const LARGEST: usize = 4 << 20;

/// A request, read to its end.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// The next request of the connection; none when the client has closed it.
pub(super) async fn read(
    stream: &mut TcpStream,
    rest: &mut Vec<u8>,
) -> io::Result<Option<Request>> {
    let end = loop {
        if let Some(end) = rest.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if rest.len() > LARGEST || stream.read_buf(rest).await? == 0 {
            return Ok(None);
        }
    };
    let body = rest.split_off(end + 4);
    let head = String::from_utf8_lossy(rest).into_owned();
    *rest = body;
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (method, path) = (
        first.next().unwrap_or_default(),
        first.next().unwrap_or_default(),
    );
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse::<usize>().ok())
        .unwrap_or(0)
        .min(LARGEST);
    while rest.len() < length {
        if stream.read_buf(rest).await? == 0 {
            return Ok(None);
        }
    }
    let after = rest.split_off(length);
    let body = std::mem::replace(rest, after);
    Ok(Some(Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers,
        body,
    }))
}

/// Writes an answer, or all of it but the second half of its body.
pub(super) async fn write(stream: &mut TcpStream, answer: &Answer, whole: bool) -> io::Result<()> {
    let mut bytes = format!("HTTP/1.1 {} Status\r\n", answer.status).into_bytes();
    for (name, value) in &answer.headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", answer.body.len()).as_bytes());
    let sent = if whole {
        answer.body.len()
    } else {
        answer.body.len() / 2
    };
    bytes.extend_from_slice(answer.body.get(..sent).unwrap_or_default());
    stream.write_all(&bytes).await
}

/// Waits until the client has had enough.
pub(super) async fn wait_for_hangup(stream: &mut TcpStream) {
    let mut byte = [0_u8; 64];
    while stream.read(&mut byte).await.is_ok_and(|read| read > 0) {}
}
