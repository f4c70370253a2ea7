/** Coupons, codes, discounts, taxes, balances, invoice items and credit notes, by the SDK. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { approvedWallet, expanded, idOf, inSandbox, monthlyPrice, subscribe } from "../harness/journey.js";

test("a code is typed in, redeemed, kept and taken away, and all of it is of its types", () =>
  inSandbox(async (sandbox, stripe) => {
    const customer = await stripe.customers.create();
    const price = await monthlyPrice(stripe);
    const wallet = await approvedWallet(sandbox, stripe, customer.id);
    const coupon = await stripe.coupons.create({ percent_off: 12.5, duration: "repeating", duration_in_months: 3, applies_to: { products: [idOf(price.product)] } });
    const other = await stripe.coupons.create({ amount_off: 500, currency: "usd", duration: "forever", currency_options: { eur: { amount_off: 450 } } });
    const code = await stripe.promotionCodes.create({ promotion: { type: "coupon", coupon: coupon.id }, code: "Spring", restrictions: { first_time_transaction: true } });
    const typed = await stripe.promotionCodes.list({ code: "SPRING", active: true, expand: ["data.promotion.coupon"] });
    assert.equal(expanded(typed.data[0]?.promotion.coupon).percent_off, 12.5);
    const subscription = await subscribe(stripe, {
      customer: customer.id,
      price: price.id,
      default_payment_method: wallet,
      discounts: [{ promotion_code: code.id }],
      expand: ["discounts.source.coupon", "latest_invoice.discounts", "latest_invoice.total_discount_amounts.discount"],
    });
    // 12.5% of 1500 is 187.5.
    assert.equal(expanded(subscription.latest_invoice).total, 1312);
    const kept = idOf(subscription.discounts[0]);
    await stripe.subscriptions.update(subscription.id, { discounts: [{ discount: kept }, { coupon: other.id }] });
    const preview = await stripe.invoices.createPreview({ subscription: subscription.id });
    assert.equal(preview.total, 1312 - 500);
    assert.equal((await stripe.subscriptions.deleteDiscount(subscription.id)).deleted, true);
    await stripe.subscriptions.update(subscription.id, { discounts: "" });
    await stripe.promotionCodes.update(code.id, { active: false });
    await stripe.coupons.update(coupon.id, { name: "Spring" });
    assert.equal((await stripe.coupons.retrieve(coupon.id, { expand: ["applies_to"] })).applies_to?.products.length, 1);
    assert.equal((await stripe.coupons.del(other.id)).deleted, true);
    assert.equal((await stripe.coupons.list()).data.length, 1);
  }));

test("taxes by rates and by address are of their types", () =>
  inSandbox(async (sandbox, stripe) => {
    const customer = await stripe.customers.create({ address: { country: "DE" }, tax: { validate_location: "immediately" }, expand: ["tax"] });
    const product = await stripe.products.create({ name: "Stock photos" });
    const price = await stripe.prices.create({ product: product.id, currency: "usd", unit_amount: 1500, recurring: { interval: "month" }, tax_behavior: "exclusive" });
    const wallet = await approvedWallet(sandbox, stripe, customer.id);
    const id = await stripe.customers.createTaxId(customer.id, { type: "eu_vat", value: "DE123456789" });
    await sandbox.control.pass(5);
    assert.equal((await stripe.customers.listTaxIds(customer.id)).data.length, 1);
    const subscription = await subscribe(stripe, { customer: customer.id, price: price.id, default_payment_method: wallet, automatic_tax: { enabled: true }, expand: ["latest_invoice"] });
    const invoice = expanded(subscription.latest_invoice);
    // A business of the European Union owes the taxes itself.
    assert.deepEqual([invoice.total, invoice.total_taxes?.[0]?.amount, invoice.customer_tax_ids?.length], [1500, 0, 1]);
    assert.equal(invoice.total_taxes?.[0]?.taxability_reason, "reverse_charge");
    assert.ok(await stripe.taxRates.retrieve(invoice.total_taxes?.[0]?.tax_rate_details?.tax_rate ?? ""));
    const vat = await stripe.taxRates.create({ display_name: "VAT", percentage: 7, inclusive: true, country: "DE", tax_type: "vat" });
    await stripe.taxRates.update(vat.id, { description: "Reduced" });
    const second = await subscribe(stripe, { customer: customer.id, price: price.id, default_payment_method: wallet, default_tax_rates: [vat.id], expand: ["latest_invoice"] });
    assert.equal(expanded(second.latest_invoice).total_taxes?.[0]?.amount, 98);
    await stripe.taxRates.update(vat.id, { active: false });
    assert.equal((await stripe.taxRates.list({ active: true })).data.length, 0);
    assert.equal((await stripe.customers.deleteTaxId(customer.id, id.id)).deleted, true);
  }));

test("an invoice is added to, finalized, given up, paid and credited", () =>
  inSandbox(async (sandbox, stripe) => {
    const clock = await stripe.testHelpers.testClocks.create({ frozen_time: Date.UTC(2026, 10, 24, 12) / 1000 });
    const customer = await stripe.customers.create({ test_clock: clock.id });
    const price = await monthlyPrice(stripe);
    const wallet = await approvedWallet(sandbox, stripe, customer.id);
    await stripe.customers.createBalanceTransaction(customer.id, { amount: -100, currency: "usd" });
    const once = await stripe.prices.create({ product: idOf(price.product), currency: "usd", unit_amount: 250 });
    const item = await stripe.invoiceItems.create({ customer: customer.id, pricing: { price: once.id }, quantity: 2 });
    await stripe.invoiceItems.update(item.id, { quantity: 1, metadata: { a: "b" } });
    assert.equal((await stripe.invoiceItems.list({ customer: customer.id, pending: true })).data.length, 1);
    const gone = await stripe.invoiceItems.create({ customer: customer.id, amount: 100, currency: "usd" });
    assert.equal((await stripe.invoiceItems.del(gone.id)).deleted, true);
    const waiting = await stripe.subscriptions.create({
      customer: customer.id,
      items: [{ price: price.id }],
      default_payment_method: wallet,
      payment_behavior: "default_incomplete",
      expand: ["latest_invoice"],
    });
    const invoice = expanded(waiting.latest_invoice);
    assert.deepEqual([invoice.total, invoice.amount_due], [1750, 1650]);
    assert.equal((await stripe.invoices.listLineItems(invoice.id)).data.length, 2);
    await stripe.invoices.update(invoice.id, { description: "Thank you", metadata: { a: "b" } });
    const note = await stripe.creditNotes.create({ invoice: invoice.id, amount: 150 });
    assert.equal(note.type, "pre_payment");
    await stripe.creditNotes.voidCreditNote(note.id);
    await stripe.invoices.markUncollectible(invoice.id);
    const paid = await stripe.invoices.pay(invoice.id);
    assert.equal(paid.amount_paid, 1650);
    const preview = await stripe.creditNotes.preview({ invoice: invoice.id, amount: 700, refund_amount: 500, credit_amount: 200 });
    assert.equal(preview.post_payment_amount, 700);
    const after = await stripe.creditNotes.create({
      invoice: invoice.id,
      lines: [{ type: "invoice_line_item", invoice_line_item: invoice.lines.data[1]?.id ?? "", amount: 700 }],
      refund_amount: 500,
      credit_amount: 200,
      email_type: "none",
      expand: ["refunds.refund", "customer_balance_transaction"],
    });
    await stripe.creditNotes.update(after.id, { memo: "Sorry" });
    assert.equal((await stripe.creditNotes.listLineItems(after.id)).data.length, 1);
    assert.equal((await stripe.creditNotes.list({ invoice: invoice.id })).data.length, 2);
    // 100 that the invoice took, 100 of the shop's and 200 of the credit note's.
    assert.equal((await stripe.customers.listBalanceTransactions(customer.id)).data.length, 3);
  }));
