// @ts-check
/** Welcome back: another subscription, charged to what the one that has ended was paid with. */

import { announce, byId } from "./page.js";
import { againButton, againWords } from "./account_words.js";

/** @import { AgainPreview, ManagedSubscription, Plan, createPerennial } from "./perennial.js" */

/**
 * @param {ReturnType<ReturnType<typeof createPerennial>["manage"]>} management
 * @param {object} shop
 * @param {() => string | undefined} shop.consent The version of the text beside the button.
 * @param {(subscription: ManagedSubscription) => void} shop.onDone
 * @param {(code: string) => void} shop.onRefused
 * @param {(error: unknown) => void} shop.onError
 */
export function againOffer(management, { consent, onDone, onRefused, onError }) {
  let asking = new AbortController();
  /** @type {{ ended: string, preview: AgainPreview } | null} */
  let shown = null;
  let busy = false;

  byId("again-go").addEventListener("click", () => void go());

  function hide() {
    asking.abort();
    shown = null;
    byId("again").hidden = true;
  }

  /**
   * Offers it once its price is known. The last question is the one that is answered.
   *
   * @param {ManagedSubscription | null} ended
   * @param {Plan} plan
   * @param {number} [quantity]
   * @param {Record<string, number>} [addons]
   */
  async function show(ended, plan, quantity, addons) {
    hide();
    if (!ended || !plan.wallets.includes("amazon_pay")) return;
    asking = new AbortController();
    const { signal } = asking;
    // Without an answer there are the wallets' buttons.
    const outcome = await management.previewAgain(ended.id, { plan: plan.name, quantity, addons, signal }).catch(() => null);
    if (signal.aborted || outcome?.state !== "previewed") return;
    shown = { ended: ended.id, preview: outcome.preview };
    byId("again-text").textContent = againWords(outcome.preview);
    byId("again-go").textContent = againButton(outcome.preview);
    byId("again").hidden = false;
  }

  async function go() {
    if (!shown || busy) return;
    const { ended, preview } = shown;
    const version = consent();
    busy = true;
    byId("again-go").classList.add("busy");
    announce("One moment.");
    try {
      const outcome = await management.comeAgain(ended, preview, version === undefined ? {} : { consent: version });
      if (outcome.state === "done") onDone(outcome.subscription);
      else onRefused(outcome.code);
    } catch (error) {
      onError(error);
    } finally {
      busy = false;
      byId("again-go").classList.remove("busy");
    }
  }

  return { show, hide };
}
