/** What a claim's type may name: `Stripe` is the SDK, `StripeJs` the types of Stripe.js, `Page` those of this repository's page, and where they are too loose or too strict, these. */
export const PRELUDE = `
import type Stripe from "stripe";
import type * as StripeJs from "@stripe/stripe-js";
import type * as Page from "../../../web/perennial.js";

// The SDK says Partial, which is one level deep. Stripe sends what changed at every level, and whole arrays;
// a key that was not there before is null.
type Previous<Of> = Of extends string | readonly unknown[] ? Of
  : Of extends object ? { [Name in keyof Of]?: Name extends "metadata" ? Record<string, string | null> | Extract<Of[Name], null> : Previous<Of[Name]> }
  : Of;
type Sent<Event extends { data: { object: unknown } }> = Omit<Event, "data"> & {
  data: { object: Event["data"]["object"]; previous_attributes?: Previous<Event["data"]["object"]> };
};

// The SDK leaves an error's code open; the error of a failed setup lists them, all but two: one that came with endive, and
// one that subscriptions have of their own:
// https://docs.stripe.com/changelog/endive/2026-09-30/removes-the-payment-method-types-parameter-from-payment-intents-and-setup-intents
// https://docs.stripe.com/error-codes#subscription-payment-intent-requires-action
type StripeFailure = {
  error: Omit<Stripe.StripeRawError, "code" | "message" | "type"> & {
    code?: Stripe.SetupIntent.LastSetupError.Code | "payment_method_types_no_longer_supported" | "subscription_payment_intent_requires_action";
    message: string;
    type: Stripe.SetupIntent.LastSetupError.Type;
  };
};

// A failed setup carries its payment method, of which Stripe.js's types know fewer fields than the SDK's.
type PageSetupIntent = Omit<StripeJs.SetupIntent, "last_setup_error"> & {
  last_setup_error: (Omit<StripeJs.SetupIntent.LastSetupError, "payment_method"> & { payment_method?: Stripe.PaymentMethod }) | null;
};

// Options reach a page as JSON, in which a date is text of RFC 3339.
type InJson<Of> = Of extends Date ? \`\${number}-\${number}-\${number}T\${number}:\${number}:\${number}Z\`
  : Of extends object ? { [Name in keyof Of]: InJson<Of[Name]> }
  : Of;
// So does a failed payment, and so does an error. Stripe.js's types lack the capture method that is Stripe's default.
type PagePaymentIntent = Omit<StripeJs.PaymentIntent, "capture_method" | "last_payment_error"> & {
  capture_method: Stripe.PaymentIntent.CaptureMethod;
  last_payment_error: (Omit<StripeJs.PaymentIntent.LastPaymentError, "payment_method"> & { payment_method?: Stripe.PaymentMethod }) | null;
};
type PageError = Omit<StripeJs.StripeError, "payment_intent" | "payment_method" | "setup_intent"> & {
  payment_intent?: PagePaymentIntent;
  payment_method?: Stripe.PaymentMethod;
  setup_intent?: PageSetupIntent;
};
`;
