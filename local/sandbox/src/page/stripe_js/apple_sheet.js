// A dialog in the page that stands for Apple's or Google's sheet: what it would tell the shopper, and what they can answer.

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

const sheetContent = ({ id, owner }, { description, agreement, management, lines }, business) => [
  element("p", { className: "label" }, `Stands for ${owner}’s sheet (sandbox)`),
  element("h2", { id: `${id}-title`, tabIndex: -1 }, description || business),
  element(
    "div",
    { className: "box card" },
    element("span", { className: "chip" }),
    element("p", {}, "Visa •••• 4242", element("br", {}), element("span", { className: "soft" }, "A test card in the sandbox’s wallet")),
  ),
  lines.length > 0 ? element("dl", { className: "box", id: `${id}-lines` }, ...lines.map(sheetLine)) : null,
  agreement ? element("p", { className: "box soft", id: `${id}-agreement` }, agreement) : null,
  management
    ? element("p", { className: "box soft" }, element("a", { id: `${id}-management`, href: management, target: "_blank", rel: "noreferrer" }, "Manage this payment later"))
    : null,
];

/** What stays in view however long the agreement is. */
const sheetFoot = ({ id }, due, business, buttons) =>
  element(
    "div",
    { className: "foot" },
    element("p", { className: "total" }, element("span", {}, "Due today", element("br", {}), element("span", { className: "soft" }, business)), element("b", { id: `${id}-due` }, due)),
    element("p", { id: `${id}-status`, className: "status", role: "status" }),
    buttons,
  );

/**
 * Opens the sheet. Resolves with what the shopper chose, `succeed`, `decline` or `cancel`, and `end`, which closes it: with
 * a word on how the payment went, or at once.
 */
const openSheet = (sheet, content, due, business) =>
  new Promise((chosen) => {
    const host = document.createElement("div");
    const root = host.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [appleStyle(SHEET_STYLE)];
    const button = (name, text) => element("button", { id: `${sheet.id}-${name}`, className: name, type: "button" }, text);
    const approve = button("approve", "Approve");
    const decline = button("decline", "Approve with a card that will be declined");
    const cancel = button("cancel", "Cancel");
    const buttons = element("div", { className: "buttons" }, approve, decline, cancel);
    const dialog = element("dialog", {}, ...sheetContent(sheet, content, business).filter(Boolean), sheetFoot(sheet, due, business, buttons));
    dialog.setAttribute("aria-labelledby", `${sheet.id}-title`);
    root.append(dialog);
    document.body.append(host);

    const close = () => {
      dialog.close();
      host.remove();
    };
    const end = (word, failed = false) => {
      const status = root.getElementById(`${sheet.id}-status`);
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
        root.getElementById(`${sheet.id}-status`).textContent = "Processing…";
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
    root.getElementById(`${sheet.id}-title`).focus();
  });
