import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toBase64url, toHex, utf8 } from '../bytes.ts';
import { authorOf, readVectors, sha256 } from '../message/message.fixture.ts';
import {
  type ChannelKind,
  channelKind,
  channelName,
  channelTag,
  isChannelText,
  mayWrite,
} from './channel.ts';

interface Vectors {
  readonly kinds: readonly { readonly channel: string; readonly kind: ChannelKind | null }[];
  readonly tags: readonly { readonly network: string; readonly channel: string; readonly tag: string }[];
}

const { kinds, tags } = readVectors<Vectors>('channel.json');
const ada = authorOf('ada').publicKey;
const eve = authorOf('eve').publicKey;
const adaText = toBase64url(ada);

describe('the vectors', () => {
  it.each(kinds)('say that $channel is $kind', ({ channel, kind }) => {
    expect(channelKind(channel)).toBe(kind ?? undefined);
  });

  it.each(tags)('agree with us on the tag of $channel in $network', ({ network, channel, tag }) => {
    expect(toHex(channelTag(sha256, network, channel))).toBe(tag);
  });
});

describe('a channel of one key', () => {
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

  it.each(['@', '~', 'inbox:'])(
    'has one of the four spellings that a lax decoder takes for it, after %s',
    (prefix) => {
      const last = ALPHABET.indexOf(adaText.slice(-1));
      const spellings = [0, 1, 2, 3].map((spare) => adaText.slice(0, -1) + ALPHABET[(last & 60) | spare]);
      for (const text of spellings) expect(new Uint8Array(Buffer.from(text, 'base64url'))).toEqual(ada);
      const accepted = spellings.filter((text) => channelKind(prefix + text) !== undefined);
      expect(accepted).toEqual([adaText]);
    },
  );

  it('is refused where the key can sign nothing: small order or y >= p', () => {
    const eight = '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05';
    for (const hex of ['00'.repeat(32), `01${'00'.repeat(31)}`, eight, 'ff'.repeat(32)]) {
      const text = toBase64url(Buffer.from(hex, 'hex'));
      for (const prefix of ['@', '~', 'inbox:']) expect(channelKind(prefix + text), hex).toBeUndefined();
    }
  });
});

describe('a channel text', () => {
  it('is judged by its bytes alone', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 140 }), (text) => {
        const bytes = utf8(text);
        const inner = bytes.every((byte) => byte >= 0x20 && byte !== 0x7f);
        const ends = bytes[0] !== 0x20 && bytes.at(-1) !== 0x20;
        expect(isChannelText(text)).toBe(inner && ends && bytes.length >= 1 && bytes.length <= 128);
      }),
    );
  });

  it('may have 128 bytes, whatever they spell, and not 129', () => {
    for (const unit of ['x', 'é', '水', '🦀']) {
      const bytes = utf8(unit).length;
      const most = Math.floor(128 / bytes);
      expect(isChannelText(unit.repeat(most))).toBe(true);
      expect(isChannelText(unit.repeat(most + 1))).toBe(false);
    }
  });

  it('is no text with a lone surrogate, anywhere', () => {
    for (const text of ['\ud800', 'a\udc00', '\ud800b', 'a\ud800\ud800b'])
      expect(isChannelText(text)).toBe(false);
  });
});

describe('the name of an open channel', () => {
  it('is brought to NFC by whoever creates it', () => {
    expect(channelName('cafe\u0301')).toBe('caf\u00e9');
    expect(channelName('lobby')).toBe('lobby');
  });

  it.each([
    '',
    ' a',
    'a\n',
    'dm:a:b',
    '@a',
    '~a',
    'inbox:a',
    `@${adaText}`,
    `~${adaText}`,
    `inbox:${adaText}`,
    '\ud800',
    'x'.repeat(129),
  ])('is never %j', (text) => {
    expect(channelName(text)).toBeUndefined();
  });

  it('may grow or shrink by NFC, and the bytes after it count', () => {
    expect(channelName('e\u0301'.repeat(64))).toBe('\u00e9'.repeat(64)); // 192 bytes before, 128 after
    expect(channelName('\u0958'.repeat(42))).toBeUndefined(); // 126 bytes before, 252 after
  });

  it('stays what it is once it is one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const name = channelName(text);
        if (name === undefined) return;
        expect(channelName(name)).toBe(name);
        expect(channelKind(name)).toBe('open');
      }),
    );
  });
});

describe('who may write', () => {
  it('is anyone in an open channel and only its identity in a feed', () => {
    expect(mayWrite('lobby', ada)).toBe(true);
    expect(mayWrite('lobby', eve)).toBe(true);
    expect(mayWrite(`@${adaText}`, ada)).toBe(true);
    expect(mayWrite(`@${adaText}`, eve)).toBe(false);
    expect(mayWrite(`@${adaText}`, ada.subarray(1))).toBe(false);
  });

  it.each([`~${adaText}`, `inbox:${adaText}`, 'dm:a:b', '@lobby', '', ' lobby'])(
    'is nobody yet in %j',
    (channel) => {
      expect(mayWrite(channel, ada)).toBe(false);
    },
  );
});

describe('a tag', () => {
  it('has eight bytes of its own and differs by network and by channel', () => {
    const tag = channelTag(sha256, 'openclaw', 'lobby');
    expect(tag).toHaveLength(8);
    expect(tag.buffer.byteLength).toBe(8);
    const all = [tag, channelTag(sha256, 'openclaw', 'hall'), channelTag(sha256, 'test', 'lobby')];
    // the zero byte keeps network and channel apart
    all.push(channelTag(sha256, 'openclaw-a', 'b'), channelTag(sha256, 'openclaw', '-ab'));
    expect(new Set(all.map(toHex)).size).toBe(all.length);
  });
});
