import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filterNames } from '../filters/registry.ts';
import { isResultFile, pathFault, readName } from './names.ts';
import { loneOutputName, outputName, outputNames, uploadNames } from './output-names.ts';

/** As a file system that ignores case and the form of accents sees it. */
const fold = (name: string) => name.normalize('NFC').toLowerCase();

describe('the name of the result of an image that comes alone', () => {
  const lone = (name: string) => loneOutputName(name, 'blur', 'png');
  it.each([
    ['a/tom.png', 'a/tom_blurred.png'],
    ['a/tom.jpg', 'a/tom.jpg_blurred.png'],
    ['tom.PNG', 'tom.PNG_blurred.png'],
    ['tom.jpg.png', 'tom.jpg.png_blurred.png'],
  ])('of %j is %j', (name, output) => expect(lone(name)).toBe(output));

  it('is never that of another image, and not too long', () => {
    const part = fc.constantFrom(
      'tom',
      '.png',
      '.jpg',
      '.PNG',
      '.gif',
      '_blurred',
      '~12345678',
      'x'.repeat(120),
    );
    const name = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(''));
    const names = fc.uniqueArray(
      name.filter((each) => pathFault(each) === null),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(names, (each) => {
        const outputs = each.map(lone);
        expect(new Set(outputs).size).toBe(each.length);
        expect(outputs.map(pathFault).filter(Boolean)).toEqual([]);
      }),
    );
  });
});

describe('the name of a result', () => {
  it.each([
    ['tom.png', 'tom_blurred.png'],
    ['tom.JPEG', 'tom_blurred.png'],
    ['tom', 'tom_blurred.png'],
    ['tom.gif', 'tom.gif_blurred.png'],
    ['tom.jpg.png', 'tom.jpg.png_blurred.png'],
    ['cats/old/tom.jpg', 'cats/old/tom_blurred.png'],
    ['照片.png', '照片_blurred.png'],
    [`${'x'.repeat(242)}.png`, `${'x'.repeat(242)}_blurred.png`],
  ])('of %j is %j', (name, output) => expect(outputName(name)).toBe(output));

  it('says which filter it is of', () => {
    expect(outputName('a/tom.jpg', 'sharpen')).toBe('a/tom_sharpen.png');
    expect(filterNames.every((filter) => isResultFile(outputName('tom.png', filter)))).toBe(true);
  });

  it('has an allowed length, however long the name of the image is', () => {
    const letter = fc.constantFrom('a', 'é', '照', '🖼');
    fc.assert(
      fc.property(fc.string({ unit: letter, minLength: 1, maxLength: 255 }), (text) => {
        fc.pre(Buffer.byteLength(text) <= 255);
        for (const filter of filterNames) expect(pathFault(outputName(readName(text), filter))).toBeNull();
      }),
    );
  });

  it('differs for long names that begin alike', () => {
    const outputs = ['a', 'b'].map((end) => outputName(`${'照'.repeat(81)}${end}.png`));
    expect(outputs[0]).not.toBe(outputs[1]);
    for (const output of outputs) expect(output).toMatch(/^照{69,}~[0-9a-f]{32}_blurred\.png$/);
  });
});

describe('the names to upload images under', () => {
  it('stay unchanged if their results do not collide', () => {
    expect(uploadNames(['a.png', 'b.jpg'], ['x/a.png', 'x/b.jpg'])).toEqual(['a.png', 'b.jpg']);
  });

  it('lead to results that do not collide, whatever the names of the images', () => {
    const [hidden] = uploadNames(['a.png', 'a.jpg'], ['x/a.png', 'x/a.jpg']);
    const names = ['a.png', 'a.jpg', 'A.png', 'a.png', hidden, `${hidden}.png`, `${'照'.repeat(83)}.png`];
    const sent = uploadNames(
      names,
      names.map((name, at) => `${at}/${name}`),
    );
    expect(new Set(sent.map((name) => fold(outputName(readName(name))))).size).toBe(names.length);
  });
});

describe('the names of results made together', () => {
  it('keep the extension if they would collide without it', () => {
    expect(outputNames(['tom.png', 'tom.jpg', 'cat.jpg', 'a/tom.jpg'])).toEqual([
      'tom.png_blurred.png',
      'tom.jpg_blurred.png',
      'cat_blurred.png',
      'a/tom_blurred.png',
    ]);
  });

  it('have a part of their hash if only the case differs', () => {
    const [lower, upper, other] = outputNames(['tom.jpg', 'tom.JPG', 'tom.png']);
    expect(lower).toMatch(/^tom\.jpg~[0-9a-f]{8}_blurred\.png$/);
    expect(upper).toMatch(/^tom\.JPG~[0-9a-f]{8}_blurred\.png$/);
    expect(other).toBe('tom.png_blurred.png');
  });

  it('have a part of the hash of their paths if the names of the images are equal', () => {
    const outputs = outputNames(['tom.png', 'tom.png', 'cat.png'], ['a/tom.png', 'b/tom.png', 'b/cat.png']);
    expect(outputs).toEqual([
      'tom.png~1410eff2_blurred.png',
      'tom.png~fb7f9fbd_blurred.png',
      'cat_blurred.png',
    ]);
  });

  it('never collide with a name that looks as if it had a hash', () => {
    const [made] = outputNames(['a.png', 'A.png']);
    const stem = made.replace('_blurred.png', '');
    const names = ['a.png', 'A.png', stem, `${stem}.png`, `${stem.toUpperCase()}.jpg`];
    const outputs = outputNames(names);
    expect(outputs[0]).toBe(made);
    expect(new Set(outputs.map(fold)).size).toBe(names.length);
  });

  it('never collide with the shortened name of a long one', () => {
    const long = `${'x'.repeat(250)}.png`;
    const cut = outputName(long).replace('_blurred.png', '');
    const names = [long, cut, `${cut}.png`];
    expect(new Set(outputNames(names).map(fold)).size).toBe(names.length);
  });

  it('never collide if the parts of two hashes are equal', () => {
    // The SHA-256 of both begins with 88052730.
    const twins = ['aBcDeFGhIJKlmNOpqrstuvwx.png', 'aBCDeFGhijkLMNopQrstuvwx.png'];
    expect(new Set(outputNames(twins).map(fold)).size).toBe(twins.length);
  });

  const nasty = ['tom.png', 'tom.jpg', 'tom.jpg.png', 'tom.JPG', 'TOM.png', 'tom.jpeg', 'tom.png.jpg', 'tom'];
  const accents = ['\u00e9.png', 'e\u0301.png', 'É.jpg'];
  const long = [`${'x'.repeat(250)}.png`, `${'x'.repeat(250)}.jpg`, `${'X'.repeat(250)}.png`];
  const all = [...nasty, ...nasty.map((name) => `a/${name}`), ...nasty.map((name) => `A/${name}`)];
  const sets = fc.uniqueArray(fc.constantFrom(...all, ...accents, ...long), { minLength: 1 });

  const filesOnly = sets.map((names) => names.filter((name) => name.includes('.')));

  it('never collide, whatever the set', () => {
    fc.assert(
      fc.property(sets, (names) => {
        expect(new Set(outputNames(names).map(fold)).size).toBe(names.length);
      }),
    );
  });

  it('do not depend on the order', () => {
    fc.assert(
      fc.property(sets, (names) => {
        const outputs = outputNames(names);
        expect(outputNames(names.toReversed())).toEqual(outputs.toReversed());
      }),
    );
  });

  // A result made earlier keeps its name when its image is part of a larger request. No other may be given that name.
  // (Requests for several images are for folders, where only names with an extension count.)
  it('never collide with a name that another image of the set got in an earlier request', () => {
    fc.assert(
      fc.property(filesOnly, filesOnly, (earlier, names) => {
        const before = new Map(earlier.map((name, at) => [name, fold(outputNames(earlier)[at])]));
        const outputs = outputNames(names).map(fold);
        for (const [at, name] of names.entries()) {
          const others = names.filter((other) => other !== name);
          expect(others.map((other) => before.get(other))).not.toContain(outputs[at]);
        }
      }),
    );
  });
});
