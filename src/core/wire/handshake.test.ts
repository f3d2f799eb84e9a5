import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import { ada, openclaw } from '../message/message.fixture.ts';
import { goodHandshake, hostileTexts, ID } from './handshake.fixture.ts';
import { encodeErrorText, encodeHandshake, type Handshake, parseHandshake } from './handshake.ts';

function parsed(value: unknown): Handshake {
  const result = parseHandshake(JSON.stringify(value));
  if (!('handshake' in result)) throw new Error(JSON.stringify(result));
  return result.handshake;
}

describe('the handshake text', () => {
  it('gives back what was put in, for any peer', () => {
    const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const handshake = fc.record({
      peer: fc.constant(ID),
      relay: fc.boolean(),
      network: fc.stringMatching(/^[a-z0-9-]{1,32}$/),
      nonce: exactly(16),
      ephemeral: exactly(32),
      features: fc.array(fc.string({ maxLength: 20 }), { maxLength: 32 }),
      agent: fc.stringMatching(/^[ -~]{0,64}$/),
    });
    fc.assert(
      fc.property(handshake, (one) => {
        expect(parseHandshake(encodeHandshake(one))).toEqual({ ok: true, handshake: one });
      }),
    );
  });

  it('is a mesh/1 handshake to those who know no other', () => {
    const text = encodeHandshake(parsed(goodHandshake()));
    expect(JSON.parse(text)).toMatchObject({
      type: 'handshake',
      version: 1,
      peer_id: ID,
      capabilities: { relay: true, store: true, mesh: { versions: [2], network: openclaw.network } },
    });
    expect(ada.publicKey).toHaveLength(32);
  });

  it('takes the last of duplicate keys, ignores what it does not know, and shares nothing with prototypes', () => {
    const text = JSON.stringify(
      goodHandshake({ top: { extra: { a: [1] } }, mesh: { versions: [1, 2, 'x'] } }),
    );
    const twice = text.replace('"network"', '"network":"first","__proto__":{"polluted":1},"network"');
    const result = parseHandshake(twice);
    expect(result).toMatchObject({ ok: true, handshake: { network: 'openclaw' } });
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('takes another network as it is: whether it fits is not for the parser to say', () => {
    expect(parsed(goodHandshake({ mesh: { network: 'elsewhere' } })).network).toBe('elsewhere');
  });

  it.each([
    [{ relay: 1 }, false],
    [{ relay: 'true' }, false],
    [{ relay: undefined }, false],
    [{ relay: true }, true],
  ])('is of a relay only where it says so plainly: %j', (capabilities, relay) => {
    expect(parsed(goodHandshake({ capabilities })).relay).toBe(relay);
  });

  it('keeps of features and agent what can be shown, and never fails for them', () => {
    const odd = parsed(goodHandshake({ mesh: { features: [1, null, 'a', {}, 'b'], agent: 7 } }));
    expect(odd).toMatchObject({ features: ['a', 'b'], agent: '' });
    expect(parsed(goodHandshake({ mesh: { features: 'a', agent: null } }))).toMatchObject({
      features: [],
      agent: '',
    });
    const long = parsed(goodHandshake({ mesh: { features: Array(50).fill('f'), agent: 'x'.repeat(1000) } }));
    expect([long.features.length, long.agent.length]).toEqual([32, 64]);
  });

  it('has an agent without control characters and lone surrogates, however it is cut', () => {
    const agent = `a\u001b[31m\u009b2J\u0000\u007f\ud800b${'\u{1f980}'.repeat(40)}`;
    const shown = parsed(goodHandshake({ mesh: { agent } })).agent;
    expect(shown.startsWith('a[31m2Jb')).toBe(true);
    expect(shown).not.toMatch(/\p{Cc}/u);
    expect(shown.isWellFormed()).toBe(true);
    expect(shown.length).toBeLessThanOrEqual(64);
  });

  it.each(hostileTexts)('is refused with a code: %s', (_, text, code) => {
    const result = parseHandshake(text);
    expect(result.ok).toBe(false);
    if (result.ok) return;
    expect(result.code).toBe(code);
    expect(ERRORS[result.code].at).toBe('link');
    expect(result.detail.length).toBeLessThan(200);
  });

  it('is that of a mesh/1 peer where it says nothing of mesh/2', () => {
    const hello = (peer_id: unknown, capabilities: object) =>
      parseHandshake(JSON.stringify({ type: 'handshake', version: 1, peer_id, capabilities }));
    expect(hello('peer-0a1b2c3d', { relay: true, store: 1, other: {} })).toEqual({
      ok: true,
      mesh1: { label: 'peer-0a1b2c3d', relay: true, store: false },
    });
    const inPrototype = JSON.stringify(goodHandshake()).replace('"mesh"', '"__proto__"');
    expect(parseHandshake(inPrototype)).toMatchObject({ ok: true, mesh1: { label: ID } });
    for (const label of ['', 'a\nb', '\u009b', 'x'.repeat(65), '\ud800', 7, null, undefined])
      expect(hello(label, {})).toMatchObject({ ok: false, code: 'unauthorized' });
  });

  it('may have 8 KiB and no more', () => {
    const text = JSON.stringify(goodHandshake());
    const padded = text + ' '.repeat(LIMITS.handshakeBytesMax - text.length);
    expect(parseHandshake(padded).ok).toBe(true);
    expect(parseHandshake(`${padded} `)).toMatchObject({ ok: false, code: 'invalid_message' });
  });

  it('says why a link is refused in the shape of mesh/1', () => {
    expect(JSON.parse(encodeErrorText('banned', 'later "again"'))).toEqual({
      type: 'error',
      code: 'banned',
      message: 'later "again"',
    });
  });
});
