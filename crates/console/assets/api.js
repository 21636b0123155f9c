// The gateway's API, with the session's cookie.

/** A refusal in the gateway's own words. */
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? `The gateway answered ${status}`);
    this.status = status;
    this.code = problem?.code ?? "unknown";
    this.field = problem?.field ?? null;
  }
}

async function ask(method, path, body, { background = false, key = null } = {}) {
  const headers = {};
  if (method !== "GET") headers["quorate-console"] = "1";
  if (background) headers["quorate-background"] = "1";
  if (key) headers["idempotency-key"] = key;
  if (body !== undefined) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method, headers, credentials: "same-origin", cache: "no-store",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, { code: "unreachable", detail: "The gateway cannot be reached" });
  }
  let answer = null;
  try { answer = await response.json(); } catch { /* some answers have no body */ }
  if (response.ok) return answer;
  if (response.status === 401 && ["no_session", "unauthenticated"].includes(answer?.code)) document.dispatchEvent(new Event("signed-out"));
  throw new ApiError(response.status, answer);
}

export const get = (path, options) => ask("GET", path, undefined, options);
export const post = (path, body = {}, options) => ask("POST", path, body, options);
export const patch = (path, body, options) => ask("PATCH", path, body, options);
export const remove = (path, options) => ask("DELETE", path, undefined, options);

let paths = null;

/** Whether this gateway has a route, by its own description: asking in vain would fill the browser's log. */
async function has(path) {
  paths ??= get("/v1/openapi.json").then((document) => Object.keys(document.paths).map((known) => new RegExp(`^${known.replace(/\{[^}]+\}/g, "[^/]+")}$`)));
  try {
    return (await paths).some((known) => known.test(path.split("?")[0]));
  } catch (error) {
    paths = null;
    throw error;
  }
}

/** What a gateway that lacks the route does not have: null. */
export async function optional(path, options) {
  if (!(await has(path))) return null;
  try {
    return await get(path, options);
  } catch (error) {
    if (error.status === 404 || error.status === 405) return null;
    throw error;
  }
}

/** The entries of the first pages, newest first. */
export async function all(path, options, pages = 5) {
  const items = [];
  let cursor = null;
  for (let page = 0; page < pages; page += 1) {
    const mark = path.includes("?") ? "&" : "?";
    const answer = await get(cursor ? `${path}${mark}cursor=${cursor}` : path, options);
    items.push(...answer.items);
    cursor = answer.next_cursor;
    if (!cursor) break;
  }
  return items;
}

/** A key for a request that must not be carried out twice. */
export function once() {
  return crypto.randomUUID();
}
