// @ts-check
/** The plans that the page knows: those for everybody, those for this shopper alone, and those of what they have. */

/** @import { Plan } from "./perennial.js" */
/** @import { SoldPlan } from "./order.js" */

export function onSale() {
  /** @type {SoldPlan[]} */
  let everybodys = [];
  /** The private plans that are offered to this shopper. @type {SoldPlan[]} */
  let offered = [];
  /** Also those that are not offered to them any more. @type {SoldPlan[]} */
  let held = [];
  /** The names of those that begin with a free trial, be it that this shopper has had it. @type {Set<string>} */
  const trials = new Set();

  /** @param {Plan[]} plans */
  function noteTrials(plans) {
    for (const { name, trial_days } of plans) if (trial_days > 0) trials.add(name);
  }

  /** What this shopper may buy. */
  const all = () => [...everybodys, ...offered];

  /** All plans of which something is known. */
  function known() {
    const names = new Set(all().map(({ name }) => name));
    return [...all(), ...held.filter(({ name }) => !names.has(name))];
  }

  return {
    all,
    known,
    /** @param {string | null} name */
    named: (name) => known().find((plan) => plan.name === name),
    /** @param {Plan} plan */
    hasTrial: ({ name }) => trials.has(name),
    /** @param {Plan[]} plans What is offered to everybody. */
    offer(plans) {
      noteTrials(plans);
      everybodys = plans;
    },
    /** @param {Plan[]} plans Those of what the shopper has. */
    hold(plans) {
      held = plans;
    },
    /**
     * @param {Plan[]} [plans] The private plans that are offered to the shopper.
     * @returns {boolean} whether they are others than before.
     */
    learn(plans = []) {
      const names = (/** @type {Plan[]} */ some) => some.map(({ name }) => name).join();
      if (names(plans) === names(offered)) return false;
      noteTrials(plans);
      offered = plans.map((plan) => ({ ...plan, offered: true }));
      return true;
    },
    /** @param {string} gone A plan that is no longer offered, or not to this shopper. */
    withdraw(gone) {
      everybodys = everybodys.filter(({ name }) => name !== gone);
      offered = offered.filter(({ name }) => name !== gone);
    },
    /** For another shopper. */
    forget() {
      offered = [];
      held = [];
    },
  };
}
