/**
 * Returns whether the sender of an event takes another event as the response. Brokers and Channels of Knative say so
 * with this header (RFC 7240). They treat any other response with a body as a fault.
 */
export function acceptsReply(prefer: string | string[] | undefined): boolean {
  return String(prefer ?? '')
    .split(',')
    .some((preference) => /^\s*reply\s*(;|$)/i.test(preference));
}
