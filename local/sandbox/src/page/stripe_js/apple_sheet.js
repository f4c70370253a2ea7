// A dialog in the page that stands for Apple's sheet: what it would tell the shopper, and what they can answer.

// Apple ends a session whose payment is not completed in time.
const SHEET_TIMEOUT_MS = 30_000;
// Long enough to be read, as Apple leaves its tick on the screen.
const SHEET_LINGER_MS = 700;

const element = (name, properties, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
};

const sheetLine = ({ label, value, note }) =>
  element("div", {}, element("dt", {}, label), element("dd", {}, value), note ? element("dd", { className: "note" }, note) : null);

const sheetContent = ({ description, agreement, management, lines }, business) => [
  element("p", { className: "label" }, "Stands for Apple’s sheet (sandbox)"),
  element("h2", { id: "apple-title", tabIndex: -1 }, description || business),
  element(
    "div",
    { className: "box card" },
    element("span", { className: "chip" }),
    element("p", {}, "Visa •••• 4242", element("br", {}), element("span", { className: "soft" }, "A test card in the sandbox’s wallet")),
  ),
  lines.length > 0 ? element("dl", { className: "box", id: "apple-lines" }, ...lines.map(sheetLine)) : null,
  agreement ? element("p", { className: "box soft", id: "apple-agreement" }, agreement) : null,
  management
    ? element("p", { className: "box soft" }, element("a", { id: "apple-management", href: management, target: "_blank", rel: "noreferrer" }, "Manage this payment later"))
    : null,
];

/** What stays in view however long the agreement is. */
const sheetFoot = (due, business, buttons) =>
  element(
    "div",
    { className: "foot" },
    element("p", { className: "total" }, element("span", {}, "Due today", element("br", {}), element("span", { className: "soft" }, business)), element("b", { id: "apple-due" }, due)),
    element("p", { id: "apple-status", role: "status" }),
    buttons,
  );

/**
 * Opens the sheet. Resolves with what the shopper chose, `succeed`, `decline` or `cancel`, and `end`, which closes it: with
 * a word on how the payment went, or at once.
 */
const openAppleSheet = (content, due, business) =>
  new Promise((chosen) => {
    const host = document.createElement("div");
    const root = host.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [appleStyle(SHEET_STYLE)];
    const button = (id, text) => element("button", { id, type: "button" }, text);
    const approve = button("apple-approve", "Approve");
    const decline = button("apple-decline", "Approve with a card that will be declined");
    const cancel = button("apple-cancel", "Cancel");
    const buttons = element("div", { className: "buttons" }, approve, decline, cancel);
    const dialog = element("dialog", {}, ...sheetContent(content, business).filter(Boolean), sheetFoot(due, business, buttons));
    dialog.setAttribute("aria-labelledby", "apple-title");
    root.append(dialog);
    document.body.append(host);

    const close = () => {
      dialog.close();
      host.remove();
    };
    const end = (word, failed = false) => {
      const status = root.getElementById("apple-status");
      status.textContent = word;
      status.classList.toggle("failed", failed);
      setTimeout(close, SHEET_LINGER_MS);
    };
    let answered = false;
    const answer = (choice) => {
      if (answered) return;
      answered = true;
      if (choice === "cancel") close();
      else {
        buttons.hidden = true;
        root.getElementById("apple-status").textContent = "Processing…";
      }
      chosen({ choice, end });
    };
    approve.addEventListener("click", () => answer("succeed"));
    decline.addEventListener("click", () => answer("decline"));
    cancel.addEventListener("click", () => answer("cancel"));
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      answer("cancel");
    });
    dialog.showModal();
    root.getElementById("apple-title").focus();
  });
