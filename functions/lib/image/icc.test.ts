import { beforeAll, describe, expect, test } from 'vitest';
import { displayP3 } from '../../testing/icc-profiles.ts';
import { maxProfileBytes, rgbProfileOf } from './icc.ts';

let p3: Buffer;
beforeAll(async () => {
  p3 = await displayP3();
});

/** P3 with one change. */
function changed(change: (profile: Buffer) => void, extra = 0): Buffer {
  const profile = Buffer.concat([p3, Buffer.alloc(extra)]);
  change(profile);
  return profile;
}

const writes = (at: number, text: string) => (profile: Buffer) => {
  profile.write(text, at, 'latin1');
};

describe('rgbProfileOf', () => {
  test('accepts a profile for RGB unchanged', () => {
    expect(rgbProfileOf(p3)).toEqual(p3);
  });

  test('leaves out bytes after the profile', () => {
    expect(rgbProfileOf(Buffer.concat([p3, Buffer.from('padding')]))).toEqual(p3);
  });

  test.each([
    ['scanners', 'scnr'],
    ['printers', 'prtr'],
    ['colour spaces', 'spac'],
  ])('accepts a profile for %s', (_, kind) => {
    expect(rgbProfileOf(changed(writes(12, kind)))).toBeDefined();
  });

  test('accepts a profile of the largest size, but no larger one', () => {
    const profileOf = (bytes: number): Buffer =>
      changed((profile) => profile.writeUInt32BE(bytes), bytes - p3.length);
    expect(rgbProfileOf(profileOf(maxProfileBytes))).toHaveLength(maxProfileBytes);
    expect(rgbProfileOf(profileOf(maxProfileBytes + 4))).toBeUndefined();
  });

  test.each([
    ['is for grey', () => changed(writes(16, 'GRAY'))],
    ['is for CMYK', () => changed(writes(16, 'CMYK'))],
    ['is for Lab', () => changed(writes(16, 'Lab '))],
    ['leads nowhere', () => changed(writes(20, 'RGB '))],
    ['is a link from one device to another', () => changed(writes(12, 'link'))],
    ['is an effect', () => changed(writes(12, 'abst'))],
    ['lacks its signature', () => changed(writes(36, 'none'))],
    ['is cut off', () => p3.subarray(0, -1)],
    ['ends in its header', () => p3.subarray(0, 131)],
    ['is empty', () => Buffer.alloc(0)],
    ['claims less than a header', () => changed((profile) => profile.writeUInt32BE(100))],
    ['claims no size', () => changed((profile) => profile.writeUInt32BE(0))],
    ['has more tags than fit', () => changed((profile) => profile.writeUInt32BE(0xffffffff, 128))],
    ['has a tag beyond its end', () => changed((profile) => profile.writeUInt32BE(p3.length, 136))],
    ['has a tag that is too long', () => changed((profile) => profile.writeUInt32BE(0xffffffff, 140))],
    ['has an impossible intent', () => changed((profile) => profile.writeUInt32BE(0x10000, 64))],
    ['of version 4 is not padded', () => changed((profile) => profile.writeUInt32BE(p3.length + 1), 1)],
  ])('refuses a profile that %s', (_, profile) => {
    expect(rgbProfileOf(profile())).toBeUndefined();
  });
});
