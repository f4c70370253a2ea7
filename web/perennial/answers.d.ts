// What the API answers, made of docs/openapi.json by `cargo run -p perennial-api --example openapi`.
import type { StripeElementsOptionsMode, StripeExpressCheckoutElementOptions } from "@stripe/stripe-js";

export interface Action {
  open: boolean;
  /** Why not; null when it is open. */
  reason: NotNow | null;
}

/** What this caller may do to the subscription now. */
export interface Actions {
  cancel: CancelAction;
  change_addons: AddonsAction;
  change_plan: Action;
  change_quantity: QuantityAction;
  come_again: ComeAgainAction;
  pause: PauseAction;
  replace_payment_method: Action;
  resume: Action;
  withdraw_cancellation: Action;
  withdraw_change: Action;
}

/** So many of an add-on. */
export interface AddonCount {
  name: string;
  quantity: number;
}

export interface AddonLimits {
  /** How many there may be; as many as now of one that is not sold any more. */
  maximum: number;
  name: string;
  /** How many there are. */
  quantity: number;
}

export interface AddonsAction {
  /** Those that may be changed; empty when it is not open. */
  addons: AddonLimits[];
  open: boolean;
  /** Why not; null when it is open. */
  reason: NotNow | null;
}

export interface AgainPreview {
  /** What is bought beside it; missing without any. */
  addons?: AddonCount[];
  /** The plan. */
  again: string;
  /** What is charged at once, after what the shopper has left. */
  due_now: {
    /** In minor units. */
    amount: number;
    currency: string;
  };
  interval: Interval;
  interval_count: number;
  /** What each interval costs, of all of them. */
  price: {
    /** In minor units. */
    amount: number;
    currency: string;
  };
  /** How many; missing of a plan that is sold once. */
  quantity?: number;
  /** Of a plan with taxes; `price` has them too. */
  tax?: PriceTax;
  /** The free days that this shopper has left. */
  trial_days: number;
  /** When they are over; null without any. */
  trial_end: string | null;
}

export interface CancelAction {
  open: boolean;
  /** Why not; null when it is open. */
  reason: NotNow | null;
  /** What goes back of a paid period that is ended at once. */
  refund: CancelRefund;
  /** When it may take effect, the usual choice first; empty when it is not open. */
  when: CancelWhen[];
}

export type CancelRefund = "none" | "prorated";

export type CancelWhen = "period_end" | "now" | "date";

/** What a promotion code makes of each period after the change. */
export interface ChangeDiscount {
  /** What each discounted period costs, in minor units. */
  amount: number;
  currency: string;
  lasts: "once" | "months" | "forever";
  promotion_code: string;
  /** From when on it takes nothing off; null of one that counts once or forever. */
  until: string | null;
}

export type ChangeWhen = "now" | "period_end";

export interface ChargedItem {
  /** The plan that has the price; null when no plan has it. */
  plan: string | null;
  price: string | null;
  quantity: number | null;
}

export interface Checkout {
  checkout: string;
  may_retry: boolean;
  reason: FailureReason | null;
  /** Seconds after which to ask again, with `pending`. */
  retry_after: number | null;
  status: "subscribed" | "pending" | "failed";
  subscription: Subscription | null;
}

export interface ComeAgainAction {
  open: boolean;
  /** Why not; null when it is open. */
  reason: NotNow | null;
  /** Whether what the subscription was paid with may be charged, without its wallet's page. */
  saved: boolean;
}

/** What a promotion code makes of a plan's price. */
export interface Discount {
  /** What each discounted period costs, in minor units. */
  amount: number;
  currency: string;
  /** What is charged today, in minor units; 0 with a free trial. */
  due_now: number;
  /** Whether it is taken off the first payment, the payments of some months, or all. */
  lasts: "once" | "months" | "forever";
  /** How many payments it is taken off; null if it is off all. */
  payments: number | null;
  promotion_code: string;
  /** What each period costs afterwards, in minor units. */
  regular_amount: number;
  /** When the first payment at the regular amount is due, if the shopper buys now; null if there is none. */
  until: string | null;
}

export interface EndPreview {
  cancel: CancelWhen;
  /** Until when it can be agreed to. */
  expires_at: string | null;
  given_back: GivenBack;
  /** What is not used, as Stripe credits it; empty when nothing goes back. */
  lines: PreviewLine[];
  /** The next charge until then; null when there is none. */
  next_charge: NextCharge | null;
  /** What the shopper agrees to with the cancellation; null for a later end, which needs no agreement. */
  preview: string | null;
  /** When it ends. */
  takes_effect_at: string;
}

export interface Entitlement {
  active: boolean;
  /** The add-ons that are paid for; missing without any. */
  addons?: AddonCount[];
  /** The status of the subscription that decided it, `lapsed`, `disputed`, `dispute_lost`, `granted`, or `none`. */
  because: string;
  /** What the plan lets its subscribers do, in the order of the names; missing unless it is active and the plan has some. */
  features?: string[];
  /** How many of the plan are paid for, or were given; missing unless it is active and the plan is sold in quantities. */
  quantity?: number;
  /** When it ends unless something is paid by then. Null while it is active if no end is known, and while it is not. */
  until: string | null;
}

/** What is charged beside the plan. */
export interface ExtraItem {
  /** The add-on of the plan that has the price; null when it has none, as with an item that was added at Stripe. */
  name: string | null;
  price: string;
  /** How many; null of a price that is charged by use. */
  quantity: number | null;
}

export type FailureReason = "wallet_declined" | "wallet_abandoned" | "payment_declined" | "canceled" | "expired" | "already_subscribed" | "rejected" | "plan_not_available" | "too_many_declines" | "wallet_mismatch" | "trial_used" | "code_refused" | "tax_changed" | "ended_after_payment" | "ended_in_trial";

export type Feedback = "customer_service" | "low_quality" | "missing_features" | "other" | "switched_service" | "too_complex" | "too_expensive" | "unused";

/** With `not_confirmed`, nothing has changed, and the shopper may try again at the same SetupIntent. */
export interface FinishedMethod {
  invoices?: PaidInvoices;
  status: "replaced" | "not_confirmed";
  subscription?: ManagedSubscription;
}

/** With `not_confirmed`, nothing has changed, and the shopper may try again at the same SetupIntent. */
export interface FinishedRepair {
  invoices?: PaidInvoices;
  /** Whether yet another one is needed. */
  needs_payment_method?: boolean;
  status: "replaced" | "not_confirmed";
}

export type First = "setup_intent" | "subscription";

/** What goes back with an end at once, or with a refund. */
export interface GivenBack {
  /** To the customer's balance at Stripe, for invoices to come: what no payment has paid. */
  credit: {
    /** In minor units. */
    amount: number;
    currency: string;
  };
  /** To the payment method. */
  refund: {
    /** In minor units. */
    amount: number;
    currency: string;
  };
}

/** A plan that the shop has given to the user for free, and that is not over. */
export interface GivenPlan {
  group: string;
  /** What the shopper reads; missing while the plan's price cannot be used. */
  label?: string;
  plan: string;
  /** How many; missing of a plan that is sold once. */
  quantity?: number;
  /** When it is over; null without an end. */
  until: string | null;
}

export type Interval = "day" | "week" | "month" | "year";

export interface Invoice {
  /** What was to be paid, after what the customer had left. */
  amount_due: number;
  /** What was paid. */
  amount_paid: number;
  /** What is still to be paid. */
  amount_remaining: number;
  created_at: string;
  /** What credit notes have given back since. */
  credited_after_payment: number;
  currency: string | null;
  id: string;
  /** When Stripe tries again by itself. */
  next_payment_attempt: string | null;
  number: string | null;
  /** Stripe's page of the invoice. Whoever has the address sees it. */
  page: string | null;
  paid_at: string | null;
  pdf: string | null;
  /** Stripe's, such as `subscription_cycle` for a renewal. */
  reason: string | null;
  /** Stripe's: open, paid, uncollectible, void. */
  status: string | null;
  subscription: string | null;
  /** With discounts and taxes, in minor units; below 0 for a credit. */
  total: number;
}

export interface Invoices {
  /** What to ask for the next page with; null when there is no more. */
  after: string | null;
  /** Newest first, without drafts. */
  invoices: Invoice[];
}

/** A discount of a subscription. */
export interface KnownDiscount {
  /** The amount that it takes off. */
  amount_off: {
    amount: number;
    currency: string;
  } | null;
  lasts: "once" | "months" | "forever";
  /** The percentage that it takes off. */
  percent_off: number | null;
  /** The code with which it was redeemed. */
  promotion_code: string | null;
  /** From when on it takes nothing off; null of one that counts once or forever. */
  until: string | null;
}

export interface KnownMethod {
  /** Of a card. */
  brand: string | null;
  /** The last digits of a card: of the device's number, with a wallet. */
  last4: string | null;
  /** Stripe's, such as `amazon_pay` or `card`, which Apple Pay and Google Pay are. */
  type: string;
}

export interface ManagedSubscription {
  actions: Actions;
  /** What else is charged: add-ons of the plan, and items that were added at Stripe. */
  addons: ExtraItem[];
  /** Whether it is going to end with its current period. */
  cancel_at_period_end: boolean;
  /** When the cancellation was received that is going to end it, or has ended it. */
  canceled_at: string | null;
  current_period_end: string | null;
  current_period_start: string | null;
  /** When it is going to end, or has ended. */
  ends_at: string | null;
  id: string;
  /** Stripe's status of the newest invoice: draft, open, paid, uncollectible, void. */
  latest_invoice_status: string | null;
  latest_paid_invoice: string | null;
  next_payment_attempt: string | null;
  /** Until when it is paid for, or free. */
  paid_until: string | null;
  pause: Pause | null;
  payment: SubscriptionPayment;
  /** How often the newest invoice of a subscription that is past due was tried. */
  payment_attempts: number;
  /** The payment method that renewals are charged to; null when there is none, or while an older version has noted none. */
  payment_method: string | null;
  /** What it is going to be changed to. */
  pending_change: PendingChange | null;
  /** The plan whose price is charged; null when no plan has it. */
  plan: string | null;
  /** The price that is charged; that of the plan if there are several. */
  price: string | null;
  /** All prices that are charged; missing until a subscription that an older version has written is read again. */
  prices?: string[];
  /** How many are charged of the price that makes the plan; null while that is not known. */
  quantity: number | null;
  refunds: Refunded[];
  /** What the checkout sold; null when it was created at Stripe. */
  sold_as: SoldAs | null;
  /** Stripe's, such as `trialing`, `active`, `past_due`. */
  status: string;
  trial_end: string | null;
  /** As the payment method tells it; null for another method. */
  wallet: WalletName | null;
}

export interface NextCharge {
  /** In minor units. */
  amount: number;
  /** When its invoice is drawn up; it is charged about an hour later. */
  at: string;
  currency: string;
}

export type NotNow = "ended" | "not_confirmed" | "not_canceling" | "canceling" | "paused" | "not_paused" | "in_trial" | "not_allowed" | "payment_open" | "nothing_pending" | "not_ended";

export interface OpenedMethod {
  client_secret: string;
  publishable_key: string;
  /** The wallet's page, with `confirm` `server`. */
  redirect_url: string | null;
  /** Goes to Stripe.js as it is. */
  return_url: string;
  setup_intent: string;
  status: string;
}

/** What became of the invoices that were open. */
export interface PaidInvoices {
  /** Stripe's code, with `declined`. */
  code?: string | null;
  /** The bank's reason, with `declined`. */
  decline_code?: string | null;
  status: "nothing_due" | "paid" | "declined";
}

export interface Pause {
  reason: string;
  /** When it ends by itself; null if it does not. */
  resumes_at: string | null;
  /** Null if that is not known, as of a pause of the collection that was not made here. */
  since: string | null;
}

export interface PauseAction {
  /** For so many days at most; null without a limit, and when it is not open. */
  longest_days: number | null;
  open: boolean;
  /** Whether `until` may be left out. */
  open_end: boolean;
  /** Why not; null when it is open. */
  reason: NotNow | null;
}

export interface PausePreview {
  /** What a pause credits to the next charge. */
  credit: {
    /** In minor units. */
    amount: number;
    currency: string;
  };
  /** What is charged at once. */
  due_now: {
    /** In minor units. */
    amount: number;
    currency: string;
  };
  /** The next charge after that; null if nothing is charged until it is resumed. */
  next_charge: NextCharge | null;
  /** When it goes on by itself. */
  resumes_at: string | null;
  /** Until when the shopper has what is paid for, where a pause does not credit it. */
  runs_until: string | null;
}

export type PaymentHealth = "ok" | "contested" | "retrying" | "action_required" | "method_required";

export type PaymentReason = "payment_failed" | "retries_exhausted" | "first_payment_open" | "first_setup_open" | "method_missing" | "method_detached" | "mandate_revoked" | "disputed" | "dispute_lost" | "refunded";

export interface PendingChange {
  /** What is charged beside it then; missing where an older version has noted it. */
  addons?: ExtraItem[];
  /** When it takes effect. */
  at: string;
  /** The plan that has the price today; null when no plan has it. */
  plan: string | null;
  price: string;
  /** How many of it; missing where an older version has noted it. */
  quantity?: number;
}

export interface PendingMethod {
  retry_after: number;
  status: "pending";
}

export interface Plan {
  /** Missing of a plan without any. */
  addons?: PlanAddon[];
  /** What one costs each interval, in minor units. */
  amount: number;
  /** What goes back of a paid period that is ended at once. */
  cancel_refund: CancelRefund;
  currency: string;
  /** What it lets its subscribers do, in the order of `plans.json`; missing of a plan without any. */
  features?: string[];
  /** A user has at most one live subscription of a group. */
  group: string;
  interval: Interval;
  interval_count: number;
  label: string;
  name: string;
  /** Missing of a plan that is sold once. */
  quantity?: PlanQuantity;
  /** There for a plan with taxes, which needs an address. */
  tax?: string;
  /** Free days before the first charge. */
  trial_days: number;
  /** Missing of a plan whose free trial does not begin without a payment method. */
  trial_without_payment_method?: TrialWithoutMethod;
  wallets: WalletName[];
}

/** What may be bought beside a plan, charged by its interval and in its currency. */
export interface PlanAddon {
  /** What one costs each interval, in minor units. */
  amount: number;
  label: string;
  /** How many one subscription may have. */
  maximum: number;
  name: string;
  /** Whether a shopper may add and remove it later. Your servers may. */
  shopper_may_change: boolean;
}

export interface PlanPreview {
  /** The add-ons that there are then. */
  addons: AddonCount[];
  /** What the shopper has left afterwards for invoices to come. */
  credit_left: {
    /** In minor units. */
    amount: number;
    currency: string;
  };
  discount?: ChangeDiscount;
  /** What is charged at once. */
  due_now: {
    /** In minor units. */
    amount: number;
    currency: string;
  };
  /** The add-ons that end with the change. */
  ended_addons: string[];
  /** Until when it can be agreed to. */
  expires_at: string;
  /** What the invoice of the change is made of; empty when there is none. */
  lines: PreviewLine[];
  /** The next charge after that. */
  next_charge: NextCharge;
  plan: string;
  /** What the shopper agrees to with the change. */
  preview: string;
  quantity: number;
  /** The change to come that does not happen with this one; null if nothing was to come. */
  replaces: PendingChange | null;
  takes_effect_at: string;
  /** The taxes of `due_now`, before what the customer has left; missing of a subscription without. */
  tax?: {
    /** In minor units; below 0 for a credit. */
    amount: number;
    /** Whether they are in `lines` or on top of them; null if there are none. */
    behavior: "inclusive" | "exclusive" | null;
    currency: string;
  };
  when: ChangeWhen;
}

/** The quantities that a plan is sold in. */
export interface PlanQuantity {
  maximum: number;
  minimum: number;
  /** Whether a shopper may have another quantity of what they have. Your servers may. */
  shopper_may_change: boolean;
}

export interface PreviewLine {
  /** In minor units; below 0 for a credit. */
  amount: number;
  /** In Stripe's words. */
  description: string;
  from: string;
  to: string;
}

/** What another subscription costs each period with taxes. */
export interface PriceTax {
  /** What each period costs with its taxes, in minor units. */
  amount: number;
  /** Whether the taxes are in the price or on top of it; null where nothing is collected. */
  behavior: "inclusive" | "exclusive" | null;
  currency: string;
  /** The taxes in that, in minor units. */
  tax_amount: number;
}

export interface QuantityAction {
  /** The most; null when it is not open. */
  maximum: number | null;
  /** The least; null when it is not open. */
  minimum: number | null;
  open: boolean;
  /** Why not; null when it is open. */
  reason: NotNow | null;
}

export interface Refunded {
  /** How much of the invoice was given back, in minor units. */
  amount: number;
  currency: string | null;
  invoice: string;
  paid: number;
}

export interface RepairOffer {
  consent: {
    /** What the shopper agrees to, by wallet. It has to be on the page. */
    text: Partial<Record<WalletName, string>>;
    version: string;
  };
  /** What is left of the open invoices; null when nothing was billed. */
  due: {
    /** In minor units. */
    amount: number;
    currency: string;
  } | null;
  /** What the plan is called. */
  label: string | null;
  plan: string | null;
  publishable_key: string;
  status: string;
  subscription: string;
  wallets: RepairWallet[];
}

export interface RepairWallet {
  /** The argument of `stripe.elements()`, of a wallet with a sheet. */
  elements?: StripeElementsOptionsMode;
  express_checkout?: StripeExpressCheckoutElementOptions;
  wallet: WalletName;
}

export type SheetWallet = "apple_pay" | "google_pay";

export interface SoldAs {
  plan: string;
  price: string | null;
}

export interface Subscription {
  /** What else is charged: add-ons of the plan, and items that were added at Stripe. */
  addons: ExtraItem[];
  /** Whether it is going to end with its current period. */
  cancel_at_period_end: boolean;
  /** When the cancellation was received that is going to end it, or has ended it. */
  canceled_at: string | null;
  current_period_end: string | null;
  current_period_start: string | null;
  /** When it is going to end, or has ended. */
  ends_at: string | null;
  id: string;
  /** Stripe's status of the newest invoice: draft, open, paid, uncollectible, void. */
  latest_invoice_status: string | null;
  latest_paid_invoice: string | null;
  next_payment_attempt: string | null;
  /** Until when it is paid for, or free. */
  paid_until: string | null;
  pause: Pause | null;
  payment: SubscriptionPayment;
  /** How often the newest invoice of a subscription that is past due was tried. */
  payment_attempts: number;
  /** The payment method that renewals are charged to; null when there is none, or while an older version has noted none. */
  payment_method: string | null;
  /** What it is going to be changed to. */
  pending_change: PendingChange | null;
  /** The plan whose price is charged; null when no plan has it. */
  plan: string | null;
  /** The price that is charged; that of the plan if there are several. */
  price: string | null;
  /** All prices that are charged; missing until a subscription that an older version has written is read again. */
  prices?: string[];
  /** How many are charged of the price that makes the plan; null while that is not known. */
  quantity: number | null;
  refunds: Refunded[];
  /** What the checkout sold; null when it was created at Stripe. */
  sold_as: SoldAs | null;
  /** Stripe's, such as `trialing`, `active`, `past_due`. */
  status: string;
  trial_end: string | null;
  /** As the payment method tells it; null for another method. */
  wallet: WalletName | null;
}

export interface SubscriptionDetails {
  /** Whether a discount counts for the next charge. */
  discounted: boolean;
  /** Its own discounts, in the order in which they count; null if the Stripe key may not read coupons. */
  discounts: KnownDiscount[] | null;
  /** What is charged for; more than one if an item was added at Stripe. */
  items: ChargedItem[];
  /** With discounts, taxes and what the customer has left; null when nothing is going to be charged. */
  next_charge: NextCharge | null;
  /** The private plans that are offered to this user and for sale, as `GET /plans` has those for everybody; missing without any. */
  offered_plans?: Plan[];
  /** What it is charged to. */
  payment_method: KnownMethod | null;
  subscription: ManagedSubscription;
}

/** Whether the next charge can be expected to succeed. */
export interface SubscriptionPayment {
  reason: PaymentReason | null;
  state: PaymentHealth;
}

/** What a plan costs with the taxes of an address. */
export interface Tax {
  /** What each period costs with its taxes, without a promotion code, in minor units. */
  amount: number;
  /** Whether the taxes are in the price or on top of it; null where nothing is collected. */
  behavior: "inclusive" | "exclusive" | null;
  currency: string;
  /** What is charged today, 0 with a free trial, in minor units. */
  due_now: number;
  /** The taxes in that, in minor units. */
  tax_amount: number;
}

/** What becomes of the subscription at the end of such a trial, if there is no payment method then. */
export type TrialWithoutMethod = "cancel" | "pause";

export interface Wallet {
  /** The argument of `stripe.elements()`, by what comes first. */
  elements?: {
    setup_intent: StripeElementsOptionsMode;
    subscription: StripeElementsOptionsMode;
  };
  express_checkout?: StripeExpressCheckoutElementOptions;
  first: First[];
  offer: boolean;
  reasons: WalletReason[];
  wallet: WalletName;
}

export type WalletName = "amazon_pay" | "apple_pay" | "google_pay" | "cash_app_pay";

export interface WalletReason {
  code: "wallet_not_offered" | "currency_not_supported" | "country_not_supported" | "wallet_not_enabled" | "domain_not_registered" | "domain_inactive" | "zero_amount_trial" | "not_checked" | "plan_not_available" | "currency_conflict" | "address_needed" | "trial_used" | "code_needs_wallet";
  message: string;
}

export interface Wallets {
  /** The add-ons that all amounts here are of as well; missing without any. */
  addons?: AddonCount[];
  consent: {
    /** What the shopper agrees to, by wallet. It has to be on the page. */
    text: Partial<Record<WalletName, string>>;
    version: string;
  };
  /** Of the code, in an answer to `POST /wallets` alone. */
  discount?: Discount;
  /** The private plans that are offered to this user and for sale, as `GET /plans` has those for everybody; missing without any. */
  offered_plans?: Plan[];
  plan: string;
  publishable_key: string;
  /** How many all amounts here are of; missing of a plan that is sold once. */
  quantity?: number;
  /** Of a plan with taxes, in an answer to `POST /wallets` with an address. */
  tax?: Tax;
  /** The free days that this user would get, which may be none of a plan that has some. */
  trial_days: number;
  wallets: Wallet[];
  /** Missing of a plan whose free trial does not begin without a payment method. */
  without_payment_method?: WithoutPaymentMethod;
}

/** A free trial that begins without a payment method. */
export interface WithoutPaymentMethod {
  ends: TrialWithoutMethod;
  /** Whether this user may begin it. */
  offer: boolean;
  reasons: WalletReason[];
  /** What the shopper reads beside the button. */
  text: string;
}
