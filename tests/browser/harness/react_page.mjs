// A shop's page in React, under StrictMode, which runs each effect twice and throws away what the first run began.

import { readFile } from "node:fs/promises";

const MODULES = {
  react: "react/cjs/react.development.js",
  scheduler: "scheduler/cjs/scheduler.development.js",
  "react-dom": "react-dom/cjs/react-dom.development.js",
  "react-dom/client": "react-dom/cjs/react-dom-client.development.js",
};

/** React comes as modules of Node; a browser takes them with a `require` of four names. */
async function bundle() {
  const sources = await Promise.all(
    Object.entries(MODULES).map(async ([name, path]) => {
      const source = await readFile(new URL(`../node_modules/${path}`, import.meta.url), "utf8");
      return `${JSON.stringify(name)}: (module, exports, require, process) => {${source}\n}`;
    }),
  );
  return `const modules = {${sources.join(",\n")}};
    const loaded = {};
    globalThis.require = (name) => {
      if (!loaded[name]) modules[name]((loaded[name] = { exports: {} }), loaded[name].exports, require, { env: { NODE_ENV: "development" } });
      return loaded[name].exports;
    };`;
}

/** What runs in the page. */
async function page() {
  const { createElement, StrictMode, Suspense, use, useEffect, useState } = globalThis.require("react");
  const { createPerennial } = await import("/perennial.js");
  const { devToken } = await import("/dev.js");
  const token = await devToken("alice");
  const create = () => createPerennial({ apiBase: "", token: () => token });
  const shop = create();

  globalThis.begin = async () => {
    const opened = await fetch("/client-secret", {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ plan: "stock-photos-monthly", wallet: "amazon_pay", confirm: "server", return_to: "/strict" }),
    });
    return (await opened.json()).redirect_url;
  };

  const shown = (id, outcome) => createElement("p", { id }, outcome?.state ?? "nothing");
  const Effect = ({ id, of }) => {
    const [outcome, setOutcome] = useState(null);
    useEffect(() => {
      let alive = true;
      of.resumeReturn().then((found) => alive && setOutcome(found));
      return () => void (alive = false);
    }, []);
    return shown(id, outcome);
  };
  const Signal = () => {
    const [outcome, setOutcome] = useState(null);
    useEffect(() => {
      const gone = new AbortController();
      shop.resumeReturn({ signal: gone.signal }).then((found) => gone.signal.aborted || setOutcome(found));
      return () => gone.abort();
    }, []);
    return shown("signal", outcome);
  };
  const Suspended = () => shown("suspended", use(shop.resumeReturn()));
  const Instance = () => {
    const [own] = useState(create);
    return createElement(Effect, { id: "instance", of: own });
  };
  const Late = () => {
    const [there, setThere] = useState(false);
    return there ? createElement(Effect, { id: "late", of: shop }) : createElement("button", { id: "later", onClick: () => setThere(true) }, "Later");
  };
  const all = [createElement(Effect, { id: "effect", of: shop }), createElement(Signal), createElement(Suspense, null, createElement(Suspended)), createElement(Instance), createElement(Late)];
  globalThis.require("react-dom/client").createRoot(document.querySelector("#root")).render(createElement(StrictMode, null, ...all));
}

/**
 * Serves the page at an address, in place of whatever is there.
 *
 * @param {import("playwright-core").BrowserContext} context
 * @param {string} address
 */
export async function serveReact(context, address) {
  const html = `<!doctype html><html lang="en"><title>React</title><link rel="icon" href="data:,"><div id="root"></div>
    <script>${(await bundle()).replaceAll("</script", "<\\/script")}</script>
    <script type="module">(${page})();</script></html>`;
  await context.route(`${address}*`, (route) => route.fulfill({ contentType: "text/html", body: html }));
}
