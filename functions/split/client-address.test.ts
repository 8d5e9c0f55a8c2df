import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { clientAddress } from './client-address.ts';

function addressOf(peer: string, forwarded: string | undefined, trustedProxies: number): string {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  return clientAddress({ socket: { remoteAddress: peer }, headers } as IncomingMessage, trustedProxies);
}

describe('without proxies', () => {
  it('is the address of the connection, whatever the client writes', () => {
    expect(addressOf('192.0.2.1', undefined, 0)).toBe('192.0.2.1');
    expect(addressOf('192.0.2.1', '198.51.100.7', 0)).toBe('192.0.2.1');
  });
});

describe('behind proxies', () => {
  it.each([
    ['one', '198.51.100.7', 1, '198.51.100.7'],
    ['two', '198.51.100.7, 10.0.0.1', 2, '198.51.100.7'],
    ['three', '198.51.100.7,10.0.0.1 , 10.0.0.2', 3, '198.51.100.7'],
    ['one, with an address the client made up', '203.0.113.9, 198.51.100.7', 1, '198.51.100.7'],
    ['two, with many made up', '1.1.1.1, 2.2.2.2, 198.51.100.7, 10.0.0.1', 2, '198.51.100.7'],
    ['more than the header has entries', '198.51.100.7', 3, '198.51.100.7'],
    ['one that adds a port', '198.51.100.7:4711', 1, '198.51.100.7'],
  ])(
    'is the address that the outermost trusted proxy saw: %s',
    (_what, forwarded, trustedProxies, address) => {
      expect(addressOf('10.0.0.9', forwarded, trustedProxies)).toBe(address);
    },
  );

  it.each([
    ['nothing', undefined],
    ['an empty header', ''],
    ['a word', 'unknown'],
    ['half an address', '198.51.100'],
    ['a number too large', '198.51.100.256'],
    ['a gap at the end', '198.51.100.7, '],
    ['brackets alone', '[]'],
    ['a very long entry', 'a'.repeat(10_000)],
  ])('is the address of the connection when a proxy reports %s', (_what, forwarded) => {
    expect(addressOf('10.0.0.9', forwarded, 1)).toBe('10.0.0.9');
  });
});

describe('an IPv6 address', () => {
  it.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::ffff', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['[2001:db8:1:2::7]:443', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::7]', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('%s counts as its network', (address, network) => {
    expect(addressOf('10.0.0.9', address, 1)).toBe(network);
  });

  it.each(['::ffff:192.0.2.1', '::FFFF:c000:201', '0:0:0:0:0:ffff:192.0.2.1'])(
    '%s counts as the IPv4 address in it',
    (address) => {
      expect(addressOf(address, undefined, 0)).toBe('192.0.2.1');
      expect(addressOf('10.0.0.9', address, 1)).toBe('192.0.2.1');
    },
  );
});
