import { describe, expect, it } from 'vitest';
import { toBase64url, utf8 } from '../../core/bytes.ts';
import { createSigner, createVerifier, privateKeyFromSeed } from '../../crypto/index.ts';
import type { LegacyRow } from '../../store/legacy-reader.ts';
import { legacyMessageView, legacySigningText } from './view.ts';

const { verify } = createVerifier();
const signer = createSigner(privateKeyFromSeed(new Uint8Array(32).fill(7)));

const rowOf = (fields: Partial<LegacyRow> = {}): LegacyRow => ({
  position: '1',
  id: '00000000-0000-4000-8000-000000000000',
  channel: 'lobby',
  sender: toBase64url(signer.publicKey),
  timestamp: '2025-01-01T00:00:00.000Z',
  body: 'hello',
  payload: null,
  signature: null,
  bytes: 5,
  ...fields,
});
const view = (fields: Partial<LegacyRow> = {}) => legacyMessageView(verify, rowOf(fields));
const sign = (row: LegacyRow): string =>
  Buffer.from(signer.sign(utf8(legacySigningText(row)))).toString('base64');

describe('what is shown of a mesh/1 message', () => {
  it('is what it claims, marked as unverified', () => {
    expect(view({ payload: '{"a":[1]}' })).toEqual({
      verified: false,
      position: '1',
      id: '00000000-0000-4000-8000-000000000000',
      channel: 'lobby',
      sender: toBase64url(signer.publicKey),
      time: '2025-01-01T00:00:00.000Z',
      body: 'hello',
      payload: { a: [1] },
      signature: 'none',
      shortened: false,
    });
  });

  it('has a payload only if that is JSON of a sensible length', () => {
    for (const payload of [null, '', '{', 'undefined'])
      expect(view({ payload })).toMatchObject({ payload: null });
    expect(view({ payload: '7' }).payload).toBe(7);
    const long = JSON.stringify('x'.repeat(70_000));
    expect(view({ payload: long })).toMatchObject({ payload: null, shortened: true });
  });

  it('is cut where it is long, never within a character', () => {
    const rocket = '\u{1f680}';
    const { body, shortened } = view({ body: `x${rocket.repeat(40_000)}` });
    expect([body.length, shortened, body.isWellFormed()]).toEqual([65_536, true, true]);
    const labels = view({ id: 'i'.repeat(1000), sender: 's'.repeat(1000), timestamp: 't'.repeat(1000) });
    expect([labels.id.length, labels.sender.length, labels.time.length]).toEqual([128, 128, 128]);
  });

  it('shows a time as it was written, and numbers as seconds or milliseconds', () => {
    const times = ['yesterday', '', 1735689600, 1735689600123, 1e300, -1].map(
      (timestamp) => view({ timestamp }).time,
    );
    const ends = ['1e+300', '1969-12-31T23:59:59.000Z'];
    expect(times).toEqual(['yesterday', '', '2025-01-01T00:00:00.000Z', '2025-01-01T00:00:00.123Z', ...ends]);
  });
});

describe('a signature of mesh/1', () => {
  it('is over JSON of six fields by name, with the payload as text', () => {
    expect(legacySigningText(rowOf({ payload: '{"b":1,"a":2}', body: 'a"\u2028' }))).toBe(
      `{"body":"a\\"\u2028","channel_id":"lobby","message_id":"00000000-0000-4000-8000-000000000000","payload":"{\\"b\\":1,\\"a\\":2}","sender_id":"${toBase64url(signer.publicKey)}","timestamp":"2025-01-01T00:00:00.000Z"}`,
    );
  });

  it('is valid for its key and text, and stays unverified history', () => {
    for (const fields of [{}, { payload: '{"a":1}' }, { body: 'ä\u0000\u{1f680}' }]) {
      const signature = sign(rowOf(fields));
      expect(view({ ...fields, signature })).toMatchObject({ signature: 'valid', verified: false });
    }
  });

  it('is wrong for any other text, key or spelling', () => {
    const signature = sign(rowOf());
    const bytes = Buffer.from(signature, 'base64');
    const wrong: Partial<LegacyRow>[] = [
      { body: 'hello!' },
      { channel: 'dev' },
      { id: 'x' },
      { payload: '{}' },
      { timestamp: '2025-01-01T00:00:00.001Z' },
      { sender: 'peer-abcd1234' },
      { sender: toBase64url(new Uint8Array(32)) },
      { signature: bytes.toString('base64url') },
      { signature: ` ${signature}` },
      { signature: bytes.subarray(1).toString('base64') },
      { signature: 'no' },
    ];
    for (const fields of wrong)
      expect(view({ signature, ...fields }).signature, JSON.stringify(fields)).toBe('wrong');
    for (const none of [null, '']) expect(view({ signature: none }).signature).toBe('none');
  });
});
