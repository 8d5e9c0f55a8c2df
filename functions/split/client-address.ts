// Which address a request comes from. A client can write anything into X-Forwarded-For, so only the entries
// that the deployment's own proxies add at its end are trusted.
import type { IncomingMessage } from 'node:http';
import { isIP, isIPv4 } from 'node:net';

const WITH_PORT = /^(?:\[(.+)\]|([^:]+))(?::\d+)?$/;
const GROUPS = 8;

/**
 * Returns the address of the client behind `trustedProxies` proxies, each of which adds the address of its
 * caller to X-Forwarded-For. Without proxies, returns the address of the connection. An IPv6 address is
 * replaced by its network of 64 bits, because one client can have all addresses in it.
 */
export function clientAddress(req: IncomingMessage, trustedProxies: number): string {
  const peer = normalized(req.socket.remoteAddress ?? '') ?? 'unknown';
  const forwarded = req.headers['x-forwarded-for'];
  if (trustedProxies === 0 || typeof forwarded !== 'string') return peer;
  const hops = forwarded.split(',');
  // With fewer entries than proxies, the first entry was already written by one of them.
  return normalized(hops.at(-trustedProxies) ?? hops[0]) ?? peer;
}

/**
 * Returns an IPv4 address unchanged, the network of an IPv6 address, or null if it is not an address. A port
 * is removed.
 */
function normalized(text: string): string | null {
  const trimmed = text.trim();
  const [, bracketed, plain] = WITH_PORT.exec(trimmed) ?? [];
  const [address] = (bracketed ?? plain ?? trimmed).split('%', 1); // An interface name may follow a %.
  if (isIP(address) === 0) return null;
  return isIPv4(address) ? address : networkOf(address);
}

function networkOf(address: string): string {
  const groups = groupsOf(address);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) return [groups[6] >> 8, groups[6] & 255, groups[7] >> 8, groups[7] & 255].join('.');
  const network = groups.slice(0, 4).map((group) => group.toString(16));
  return `${network.join(':')}::/64`;
}

/** Returns the eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  // A URL has one form for every address: without dots, and with at most one `::`.
  const written = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head, tail] = written.split('::').map((part) => part.split(':').filter(Boolean));
  const end = tail ?? [];
  const zeros = Array<string>(GROUPS - head.length - end.length).fill('0');
  return [...head, ...zeros, ...end].map((group) => Number.parseInt(group, 16));
}
