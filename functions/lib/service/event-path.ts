// The path where split takes events: `/events`, or `/events/TOKEN` for senders that cannot send a header, such as a Trigger of
// Knative. The token must not be logged, so everything that shows a path takes it from here.

export const EVENTS_PATH = '/events';

const WITH_TOKEN = /^((?:https?:\/\/[^/?]*)?\/events)\/([^?]+)/i;

/** Returns the access token in a request's path, or null if there is none. */
export function eventTokenOf(url: string): string | null {
  const [, , token] = WITH_TOKEN.exec(url) ?? [];
  try {
    return token === undefined ? null : decodeURIComponent(token);
  } catch {
    return null;
  }
}

/** Returns the request's target without a token in its path. */
export function withoutEventToken(url: string): string {
  return url.replace(WITH_TOKEN, '$1');
}
