// The Express Checkout Element, of which the stand-in has the buttons of Apple Pay and Google Pay.

const WALLETS = ["amazonPay", "applePay", "googlePay", "link", "paypal", "klarna"];
const EVENTS = [
  "ready", "click", "focus", "blur", "escape", "loaderror", "confirm", "cancel", "shippingaddresschange", "shippingratechange", "availablepaymentmethodschange",
];
const ELEMENT_OPTIONS = [
  "allowedShippingCountries", "applePay", "billingAddressRequired", "business", "buttonHeight", "buttonTheme", "buttonType", "emailRequired", "layout",
  "lineItems", "paymentMethodOrder", "paymentMethods", "phoneNumberRequired", "shippingAddressRequired", "shippingRates", "wallets",
];
const CLICK_OPTIONS = [
  "allowedShippingCountries", "applePay", "billingAddressRequired", "business", "emailRequired", "lineItems", "phoneNumberRequired",
  "shippingAddressRequired", "shippingRates",
];
const BUTTON_WORDS = {
  "add-money": "Add money with", book: "Book with", buy: "Buy with", "check-out": "Check out with", contribute: "Contribute with", donate: "Donate with",
  order: "Order with", plain: "", reload: "Reload with", rent: "Rent with", subscribe: "Subscribe with", support: "Support with", tip: "Tip with",
  "top-up": "Top up with",
};
const THEMES = ["black", "white", "white-outline"];
const GOOGLE_WORDS = {
  book: "Book with", buy: "Buy with", checkout: "Check out with", donate: "Donate with", order: "Order with", pay: "Pay with", plain: "", subscribe: "Subscribe with",
};
/** The wallets with a sheet: their names in the options of Stripe.js and at Stripe, those in the page, and what their buttons may say. */
const SHEETS = [
  { name: "applePay", type: "apple_pay", label: "Apple Pay", owner: "Apple", id: "apple", words: BUTTON_WORDS, themes: THEMES },
  { name: "googlePay", type: "google_pay", label: "Google Pay", owner: "Google", id: "google", words: GOOGLE_WORDS, themes: ["black", "white"] },
];
const ELEMENT = { elementType: "expressCheckout" };
const CLICK_SECONDS = 1;

const checkElement = (options, told) => {
  const where = "elements.create('expressCheckout')";
  if (!isObject(options)) throw new IntegrationError(`Invalid value for ${where}: options should be an object.`);
  refuseUnknown(options, ELEMENT_OPTIONS, where);
  const methods = options.paymentMethods ?? {};
  refuseUnknown(methods, WALLETS, `${where}: paymentMethods`);
  for (const [name, choice] of Object.entries(methods)) {
    const allowed = SHEETS.some((sheet) => sheet.name === name) ? ["always", "auto", "never"] : ["auto", "never"];
    oneOf(choice, allowed, `${where}: paymentMethods.${name}`);
  }
  const { buttonHeight: height, buttonType, buttonTheme } = options;
  if (height !== undefined && !(height >= 40 && height <= 55)) throw new IntegrationError(`Invalid value for ${where}: buttonHeight should be between 40 and 55.`);
  for (const { name, words, themes } of SHEETS) {
    if (buttonType?.[name] !== undefined) oneOf(buttonType[name], Object.keys(words), `${where}: buttonType.${name}`);
    if (buttonTheme?.[name] !== undefined) oneOf(buttonTheme[name], themes, `${where}: buttonTheme.${name}`);
  }
  checkApplePay(options.applePay, `${where}: applePay`);
  if (options.applePay && told.currency === undefined) throw new IntegrationError(`Invalid value for ${where}: applePay needs the currency of elements().`);
};

class ExpressCheckout {
  /** The wallet, the token that the shopper approved and the sheet that waits for its end, until a confirmation uses them. */
  approved = null;
  #elements;
  #options;
  #forget;
  #listeners = [];
  #host = null;
  #open = false;

  constructor(elements, options, forget) {
    checkElement(options, elements.told);
    this.#elements = elements;
    this.#options = { ...options };
    this.#forget = forget;
  }

  on(name, handler) {
    return this.#listen(name, handler, false);
  }

  once(name, handler) {
    return this.#listen(name, handler, true);
  }

  off(name, handler) {
    this.#listeners = this.#listeners.filter((each) => each.name !== name || (handler !== undefined && each.handler !== handler));
    return this;
  }

  #listen(name, handler, once) {
    if (!EVENTS.includes(name)) throw new IntegrationError(`Invalid event name for the expressCheckout Element: ${name}.`);
    if (typeof handler !== "function") throw new IntegrationError(`Invalid handler for the event ${name}: it should be a function.`);
    this.#listeners.push({ name, handler, once });
    return this;
  }

  /** Tells the listeners, and answers whether there was one. */
  #emit(name, event) {
    const called = this.#listeners.filter((each) => each.name === name);
    this.#listeners = this.#listeners.filter((each) => !(each.name === name && each.once));
    for (const { handler } of called) handler(event);
    return called.length > 0;
  }

  mount(place) {
    const parent = typeof place === "string" ? document.querySelector(place) : place;
    if (!parent) throw new IntegrationError(`The selector you specified (${place}) applies to no DOM elements that are currently on the page.`);
    if (this.#host) throw new IntegrationError("This Element is mounted already. Unmount it first.");
    this.#host = document.createElement("div");
    parent.append(this.#host);
    void this.#load(this.#host);
  }

  /** Shows the buttons that the account and the options allow. Stripe.js asks what the account has, and so does this. */
  async #load(host) {
    const { account, error } = await accountOfSandbox(this.#elements.key);
    // It was unmounted meanwhile, or mounted anew.
    if (this.#host !== host) return;
    if (error) return void this.#emit("loaderror", { ...ELEMENT, error });
    const { allowedPaymentMethodTypes: types, excludedPaymentMethodTypes: excluded } = this.#elements.told;
    const cards = (types === undefined || types.includes("card")) && !excluded?.includes("card") && account.card !== false;
    const methods = this.#options.paymentMethods;
    const shown = SHEETS.filter(({ name, type }) => cards && account[type] !== false && methods?.[name] !== "never");
    if (shown.length > 0) this.#drawButtons(shown);
    const available = Object.fromEntries(WALLETS.map((name) => [name, shown.some((sheet) => sheet.name === name)]));
    this.#emit("ready", { ...ELEMENT, availablePaymentMethods: shown.length > 0 ? available : undefined });
  }

  unmount() {
    this.#host?.remove();
    this.#host = null;
  }

  destroy() {
    this.unmount();
    this.#listeners = [];
    this.#forget();
  }

  focus() {
    this.#host?.shadowRoot?.querySelector("button")?.focus();
  }

  blur() {
    this.#host?.shadowRoot?.querySelector("button")?.blur();
  }

  clear() {}

  update(options) {
    const changed = { ...this.#options, ...options };
    checkElement(changed, this.#elements.told);
    this.#options = changed;
    return this;
  }

  #drawButtons(sheets) {
    const { buttonHeight = 44, buttonType, buttonTheme } = this.#options;
    const root = this.#host.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [appleStyle(BUTTON_STYLE)];
    for (const sheet of sheets) {
      const text = `${sheet.words[buttonType?.[sheet.name] ?? "plain"]} ${sheet.label}`.trim();
      const button = element("button", { id: `${sheet.id}-pay-button`, type: "button", className: buttonTheme?.[sheet.name] ?? "auto" }, text);
      button.style.height = `${buttonHeight}px`;
      for (const name of ["focus", "blur"]) button.addEventListener(name, () => this.#emit(name, { ...ELEMENT }));
      button.addEventListener("click", () => this.#click(sheet));
      root.append(button);
    }
  }

  /** The page has a second to allow the sheet, since a wallet opens it only right after a click. */
  async #click(sheet) {
    if (this.#open) return;
    this.#open = true;
    try {
      const details = await this.#allowed(sheet);
      if (details) await this.#show(sheet, details);
    } finally {
      this.#open = false;
    }
  }

  #allowed({ type }) {
    return new Promise((decide, fail) => {
      const late = setTimeout(() => {
        console.error(`[Stripe.js] The expressCheckout Element's click event was not resolved within ${CLICK_SECONDS} second, so the sheet did not open.`);
        decide(null);
      }, CLICK_SECONDS * 1000);
      const resolve = (details = {}) => {
        clearTimeout(late);
        try {
          refuseUnknown(details, CLICK_OPTIONS, "event.resolve()");
          checkApplePay(details.applePay, "event.resolve(): applePay");
          decide(details);
        } catch (error) {
          decide(null);
          throw error;
        }
      };
      const reject = () => {
        clearTimeout(late);
        decide(null);
      };
      try {
        if (!this.#emit("click", { ...ELEMENT, expressPaymentType: type, resolve, reject })) resolve();
      } catch (error) {
        clearTimeout(late);
        fail(error);
      }
    });
  }

  async #show(sheet, details) {
    const { mode, amount, currency } = this.#elements.told;
    // Google's sheet is told of no later payments.
    const content = appleLines(sheet.name === "applePay" ? (details.applePay ?? this.#options.applePay) : undefined, currency);
    // Apple's word for an approval that names no amount of its own.
    const due = mode === "setup" ? "Amount pending" : appleMoney(amount, currency);
    const business = details.business?.name ?? this.#options.business?.name ?? "Perennial sandbox shop";
    const { choice, end } = await openSheet(sheet, content, due, business);
    if (choice === "cancel") return this.#emit("cancel", { ...ELEMENT });
    const { token, error } = await sheetToken(this.#elements.key, sheet.type, choice);
    if (error) {
      console.error(`[Stripe.js] ${error.message}`);
      return end("Payment not completed", true);
    }
    return this.#confirm(sheet, token.id, end);
  }

  /** Hands the approval to the page, and keeps the sheet until the page has used it or given it up. */
  #confirm({ type, owner }, token, end) {
    return new Promise((done) => {
      const settle = (word, failed) => {
        if (this.approved?.settle !== settle) return;
        clearTimeout(late);
        this.approved = null;
        end(word, failed);
        done();
      };
      const late = setTimeout(() => {
        console.error("[Stripe.js] The confirm event led to no confirmation and no paymentFailed() in time, so " + owner + " gave the payment up.");
        settle("Payment not completed", true);
      }, SHEET_TIMEOUT_MS);
      this.approved = { type, token, settle };
      const paymentFailed = ({ message } = {}) => settle(message ?? "Payment not completed", true);
      this.#emit("confirm", { expressPaymentType: type, paymentFailed });
    });
  }
}
