/** As much of a browser's page as the stand-in for Stripe.js uses: elements that are appended, found by their id, and clicked. */

import { createContext, runInContext } from "node:vm";
import type { StripeConstructor } from "@stripe/stripe-js";

type Listener = (event: { preventDefault(): void }) => void;

export class PageElement {
  id = "";
  hidden = false;
  textContent = "";
  readonly style = {};
  readonly classList = { toggle: (): void => {} };
  shadowRoot: PageElement | null = null;
  adoptedStyleSheets: unknown[] = [];
  #children: (PageElement | string)[] = [];
  #parent: PageElement | null = null;
  readonly #listeners: [type: string, listener: Listener][] = [];

  append(...children: (PageElement | string)[]): void {
    for (const child of children) if (child instanceof PageElement) child.#parent = this;
    this.#children.push(...children);
  }

  remove(): void {
    const parent = this.#parent;
    if (parent) parent.#children = parent.#children.filter((child) => child !== this);
    this.#parent = null;
  }

  attachShadow(): PageElement {
    this.shadowRoot = new PageElement();
    return this.shadowRoot;
  }

  /** The element with this id, in this one or in a shadow below it. */
  getElementById(id: string): PageElement | null {
    if (this.id === id) return this;
    const below = [...this.#children.filter((child) => child instanceof PageElement), ...(this.shadowRoot ? [this.shadowRoot] : [])];
    for (const child of below) {
      const found = child.getElementById(id);
      if (found) return found;
    }
    return null;
  }

  /** What can be read in it. */
  get text(): string {
    return [this.textContent, ...this.#children.map((child) => (typeof child === "string" ? child : child.text))].filter(Boolean).join(" ");
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.push([type, listener]);
  }

  click(): void {
    for (const [type, listener] of this.#listeners) if (type === "click") listener({ preventDefault() {} });
  }

  setAttribute(): void {}
  focus(): void {}
  showModal(): void {}
  close(): void {}
}

export interface Page {
  Stripe: StripeConstructor;
  body: PageElement;
  /** What the page logged as an error. */
  errors: string[];
}

/** A page with the sandbox's stand-in for Stripe.js, as the sandbox serves it. Where it sends the browser goes to `leave`. */
export async function openPage(sandbox: string, leave: (to: string) => void): Promise<Page> {
  const address = `${sandbox}/stripe.js`;
  const source = await (await fetch(address)).text();
  const body = new PageElement();
  const errors: string[] = [];
  const window: { Stripe?: StripeConstructor; location: object } = { location: { assign: leave } };
  const document = { currentScript: { src: address }, body, createElement: () => new PageElement(), querySelector: () => null };
  class CSSStyleSheet {
    replaceSync(): void {}
  }
  const console = { error: (text: string) => errors.push(text) };
  runInContext(source, createContext({ window, document, console, CSSStyleSheet, fetch, URL, URLSearchParams, setTimeout, clearTimeout }));
  if (!window.Stripe) throw new Error("The stand-in for Stripe.js defines no Stripe.");
  return { Stripe: window.Stripe, body, errors };
}

/** The stand-in of a page that has nothing else. */
export async function stripeOfThePage(sandbox: string, leave: (to: string) => void): Promise<StripeConstructor> {
  return (await openPage(sandbox, leave)).Stripe;
}
