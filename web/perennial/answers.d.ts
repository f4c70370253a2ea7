// What the API answers, made of docs/openapi.json by `cargo run -p perennial-api --example openapi`.
import type { StripeElementsOptionsMode, StripeExpressCheckoutElementOptions } from "@stripe/stripe-js";

export interface Checkout {
  checkout: string;
  may_retry: boolean;
  reason: FailureReason | null;
  /** Seconds after which to ask again, with `pending`. */
  retry_after: number | null;
  status: "subscribed" | "pending" | "failed";
  subscription: Subscription | null;
}

export interface Entitlement {
  active: boolean;
  /** The status of the subscription that decided it, `lapsed`, or `none`. */
  because: string;
  /** When it ends unless something is paid by then. */
  until: string | null;
}

export type FailureReason = "wallet_declined" | "wallet_abandoned" | "payment_declined" | "canceled" | "expired" | "already_subscribed" | "rejected" | "plan_not_available" | "too_many_declines" | "wallet_mismatch" | "trial_used" | "ended_after_payment" | "ended_in_trial";

export type First = "setup_intent" | "subscription";

export type Interval = "day" | "week" | "month" | "year";

export interface Pause {
  reason: string;
  resumes_at: string | null;
}

export type PaymentHealth = "ok" | "contested" | "retrying" | "action_required" | "method_required";

export type PaymentReason = "payment_failed" | "retries_exhausted" | "first_payment_open" | "first_setup_open" | "method_missing" | "method_detached" | "mandate_revoked" | "disputed" | "dispute_lost" | "refunded";

export interface Plan {
  /** What each interval costs, in minor units. */
  amount: number;
  currency: string;
  /** A user has at most one live subscription of a group. */
  group: string;
  interval: Interval;
  interval_count: number;
  label: string;
  name: string;
  /** Free days before the first charge. */
  trial_days: number;
  wallets: WalletName[];
}

export interface Refunded {
  /** How much of the invoice was given back, in minor units. */
  amount: number;
  currency: string | null;
  invoice: string;
  paid: number;
}

export type SheetWallet = "apple_pay" | "google_pay";

export interface SoldAs {
  plan: string;
  price: string | null;
}

export interface Subscription {
  /** Whether it is going to end with its current period. */
  cancel_at_period_end: boolean;
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
  /** The plan whose price is charged; null when no plan has it. */
  plan: string | null;
  /** The price that is charged; that of the plan if there are several. */
  price: string | null;
  /** All prices that are charged; missing until a subscription that an older version has written is read again. */
  prices?: string[];
  refunds: Refunded[];
  /** What the checkout sold; null when it was created at Stripe. */
  sold_as: SoldAs | null;
  /** Stripe's, such as `trialing`, `active`, `past_due`. */
  status: string;
  trial_end: string | null;
  /** As the payment method tells it; null for another method. */
  wallet: WalletName | null;
}

/** Whether the next charge can be expected to succeed. */
export interface SubscriptionPayment {
  reason: PaymentReason | null;
  state: PaymentHealth;
}

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
  code: "wallet_not_offered" | "currency_not_supported" | "country_not_supported" | "wallet_not_enabled" | "domain_not_registered" | "domain_inactive" | "zero_amount_trial" | "not_checked" | "plan_not_available" | "currency_conflict";
  message: string;
}

export interface Wallets {
  consent: {
    /** What the shopper agrees to, by wallet. It has to be on the page. */
    text: Partial<Record<WalletName, string>>;
    version: string;
  };
  plan: string;
  publishable_key: string;
  /** The free days that this user would get, which may be none of a plan that has some. */
  trial_days: number;
  wallets: Wallet[];
}
