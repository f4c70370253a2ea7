// @ts-check
/**
 * Signing in on a developer's machine, for the demo shop and for a page of one's own: `cargo dev` hands out tokens
 * to whoever has its key. The address that it prints ends with the key, behind a `#`, so that no server sees it and
 * no other page does. A real shop has its own sign-in and does without this file.
 */

const KEY = "perennial-dev-key";
const gateway = new URL(import.meta.url).origin;

const found = /^#key=([A-Za-z0-9]+)$/.exec(location.hash);
if (found?.[1]) {
  localStorage.setItem(KEY, found[1]);
  history.replaceState(history.state, "", location.pathname + location.search);
}

const NO_KEY = "Open the page by the address that `cargo dev` prints, which ends with its key.";

function bearer() {
  return `Bearer ${localStorage.getItem(KEY) ?? ""}`;
}

/** @type {Map<string, { token: string, expires: number }>} */
const sessions = new Map();

/**
 * A token of this user, as a shop's own sign-in would give it.
 *
 * @param {string} user
 * @returns {Promise<string>}
 */
export async function devToken(user) {
  const known = sessions.get(user);
  if (known && known.expires > Date.now() + 30_000) return known.token;
  const response = await fetch(`${gateway}/dev/token`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: bearer() },
    body: JSON.stringify({ user }),
  });
  if (response.status === 401) throw new Error(NO_KEY);
  if (!response.ok) throw new Error("Signing in did not work.");
  const { token, expires_at } = await response.json();
  sessions.set(user, { token, expires: Date.parse(expires_at) });
  return token;
}

/**
 * All that is kept of a user, as `GET /shop/users` answers a server of the shop: for the demo's operator page alone.
 *
 * @param {string} user
 * @returns {Promise<unknown>}
 */
export async function devUser(user) {
  const response = await fetch(`${gateway}/dev/user?${new URLSearchParams({ user })}`, { headers: { authorization: bearer() } });
  if (response.status === 401) throw new Error(NO_KEY);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error?.message ?? "The user could not be read.");
  return answer;
}
