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
    headers: { "content-type": "application/json", authorization: `Bearer ${localStorage.getItem(KEY) ?? ""}` },
    body: JSON.stringify({ user }),
  });
  if (response.status === 401) throw new Error("Open the page by the address that `cargo dev` prints, which ends with its key.");
  if (!response.ok) throw new Error("Signing in did not work.");
  const { token, expires_at } = await response.json();
  sessions.set(user, { token, expires: Date.parse(expires_at) });
  return token;
}
