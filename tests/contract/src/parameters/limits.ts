/** What the sentences beside a parameter's type say about how long, how large or how many it may be, and what kind of text it is. */

export interface Limits {
  /** Characters of a string. */
  max_length?: number;
  /** Elements of a list. */
  max_items?: number;
  /** The smallest number. */
  min?: number;
  /** The largest number. */
  max?: number;
  /** Digits after a decimal's point. */
  max_places?: number;
  /** How long an `interval_count` of the `interval` beside it may be. */
  max_years?: number;
  /** What kind of text it is; of `currencies`, the keys are. */
  format?: "currency" | "currencies" | "email" | "metadata" | "url";
}

type Sort = "string" | "integer" | "decimal" | "list" | "map" | "other";

/**
 * Lengths that Stripe has and its types do not state. Seen in refusals of a test account at 2026-08-26.dahlia
 * ("must be at most 256 characters"), and for `phone` and `unit_label` in Stripe's OpenAPI document.
 */
export const LENGTHS_BY_HAND: Readonly<Record<string, Record<string, number>>> = {
  "POST /v1/customers": { name: 256, description: 350, phone: 20 },
  "POST /v1/customers/{id}": { name: 256, description: 350, phone: 20 },
  "POST /v1/products": { unit_label: 12 },
  "POST /v1/products/{id}": { unit_label: 12 },
};

const WORDS: Readonly<Record<string, number>> = { one: 1, two: 2, three: 3 };

const LENGTHS = [
  /(?:up to|maximum|max length,?|at most|limit the identifier to)\s+\*?(\d[\d,]*)(?: alphanumeric)? characters/i,
  /the (\d+)-character limit/,
  /Must be 1–(\d+) uppercase letters/,
];

/** The limits of a parameter of this name, or nothing if neither the sentences nor the name state any for a value of this sort. */
export function limitsIn(documentation: string, name: string, sort: Sort): Limits | undefined {
  const text = documentation.replace(/\s+/g, " ");
  const format = formatOf(text, name, sort);
  const limits = { ...found(text, name, sort), ...(format && { format }) };
  return Object.keys(limits).length > 0 ? limits : undefined;
}

function formatOf(text: string, name: string, sort: Sort): Limits["format"] {
  if (sort === "map") return name === "metadata" ? "metadata" : name === "currency_options" ? "currencies" : undefined;
  if (sort !== "string") return undefined;
  if (/three-letter \[ISO|\[supported currency\]/i.test(text) && name.endsWith("currency")) return "currency";
  // What a list is filtered by is compared as it is.
  if (/filter|Only return/.test(text)) return undefined;
  if (/(?:^|_)email$/.test(name)) return "email";
  return /(?:^|_)url$/.test(name) ? "url" : undefined;
}

function found(text: string, name: string, sort: Sort): Limits {
  const number = (pattern: RegExp): number | undefined => {
    const [, digits] = pattern.exec(text) ?? [];
    return digits === undefined ? undefined : (WORDS[digits] ?? Number(digits.replaceAll(",", "")));
  };
  if (sort === "string") {
    const [max_length] = LENGTHS.map(number).filter((length) => length !== undefined);
    return max_length === undefined ? {} : { max_length };
  }
  if (sort === "list") {
    const max_items = number(/(?:up to|maximum of|at most) (\d+)\b/i);
    return max_items === undefined ? {} : { max_items };
  }
  if (sort !== "integer" && sort !== "decimal") return {};
  const max_places = number(/(?:at most|maximum precision is) (\w+) decimal places/i);
  const max_years = number(/Maximum of (\w+) years? interval allowed/);
  return { ...range(text, name), ...(sort === "decimal" && max_places !== undefined && { max_places }), ...(max_years !== undefined && { min: 1, max_years }) };
}

function range(text: string, name: string): { min?: number; max?: number } {
  // Stripe takes the nearest one that is allowed, as recorded at 2026-08-26.dahlia.
  if (name === "limit") return {};
  // These are about a time, not about the number.
  const [, low, high] = /calendar days|from the current time/.test(text) ? [] : (/between (\d+) and (\d+)\b/.exec(text) ?? []);
  if (low !== undefined && high !== undefined) return { min: Number(low), max: Number(high) };
  if (/larger than 0,? and smaller or equal to 100/.test(text)) return { min: 0, max: 100 };
  if (/non-?negative|(?:integer|number) greater than or equal to 0|positive integer[^.]*\(or 0\b/i.test(text)) return { min: 0 };
  if (/positive integer|(?:integer|must be) greater than 0/i.test(text)) return { min: 1 };
  // Nothing is bought less than not at all.
  return name === "quantity" ? { min: 0 } : {};
}
