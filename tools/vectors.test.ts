import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeEphemeralFiles } from './make-ephemeral-vectors.ts';
import { makeFeedFiles } from './make-feed-vectors.ts';
import { makeFrameFiles } from './make-frame-vectors.ts';
import { makeMesh1Files } from './make-mesh1-vectors.ts';
import { makeMessageFiles } from './make-message-vectors.ts';
import { makeNegentropyFiles } from './make-negentropy-vectors.ts';
import { makeRecordFiles } from './make-record-vectors.ts';
import { makeSignatureFiles, makeSignatureVectors, ruleHolds } from './make-signature-vectors.ts';
import { makeTombstoneFiles } from './make-tombstone-vectors.ts';
import { fromHex, repositoryPath } from './vectors.ts';

describe('the vector files', () => {
  it.each(
    Object.entries({
      ...makeSignatureFiles(),
      ...makeMessageFiles(),
      ...makeMesh1Files(),
      ...makeEphemeralFiles(),
      ...makeTombstoneFiles(),
      ...makeFeedFiles(),
      ...makeFrameFiles(),
      ...makeNegentropyFiles(),
      ...makeRecordFiles(),
    }),
  )('hold what their tool makes: %s', (name, text) => {
    // a comparison of strings this long would fail with a page of hexadecimal
    const same = readFileSync(repositoryPath(name), 'utf8') === text;
    expect(same, `${name} differs: run the tool that its head names`).toBe(true);
  });
});

describe('the signature vectors', () => {
  const vectors = makeSignatureVectors();
  const count = (pattern: RegExp, valid: boolean) =>
    vectors.filter((vector) => pattern.test(vector.name) && vector.valid === valid).length;

  it('hold every edge that splits verifiers, with both verdicts', () => {
    expect(count(/^RFC 8032/, true)).toBe(5);
    expect(count(/^A is \dT.*R of large order/, false)).toBe(14);
    expect(count(/^R is \dT.*the equation holds/, false)).toBe(14);
    expect(count(/^A and R are \dT/, false)).toBe(14);
    expect(count(/equation holds$/, true)).toBe(14);
    expect(count(/cofactored only$/, false)).toBe(21);
    expect(count(/only for k mod L$/, true)).toBe(7);
    expect(count(/only for k not reduced$/, false)).toBe(7);
    expect(count(/^S \+ \d+L/, false)).toBeGreaterThanOrEqual(14);
    expect(count(/y = p \+/, false)).toBeGreaterThanOrEqual(68);
  });

  it('are judged by the rule of the tool as they say', () => {
    for (const { name, valid, publicKey, message, signature } of vectors) {
      expect(ruleHolds(fromHex(publicKey), fromHex(message), fromHex(signature)), name).toBe(valid);
    }
  });
});
