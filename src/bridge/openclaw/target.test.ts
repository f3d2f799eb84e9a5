import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainTarget, formatTarget, parseTarget, requireTarget } from './target.ts';

describe('a target', () => {
  it('names an open channel, with or without the name of the plugin before it', () => {
    expect(parseTarget('channel:lobby')).toEqual({ kind: 'channel', channel: 'lobby' });
    expect(parseTarget(' mesh:channel:lobby ')).toEqual({ kind: 'channel', channel: 'lobby' });
    expect(parseTarget('CHANNEL:Lobby')).toEqual({ kind: 'channel', channel: 'Lobby' });
  });

  it('keeps everything behind the first colon, because channels may be named almost anything', () => {
    expect(parseTarget('channel:#dev')).toEqual({ kind: 'channel', channel: '#dev' });
    expect(parseTarget('channel:a:thread:b')).toEqual({ kind: 'channel', channel: 'a:thread:b' });
    expect(parseTarget('channel:reply:7:x')).toEqual({ kind: 'channel', channel: 'reply:7:x' });
  });

  it('names the answer to an item', () => {
    expect(parseTarget('reply:17:a:b')).toEqual({ kind: 'reply', number: 17, channel: 'a:b' });
    expect(parseTarget('mesh:reply:17:lobby')).toEqual({ kind: 'reply', number: 17, channel: 'lobby' });
  });

  it('is nothing else', () => {
    for (const text of [
      '',
      'lobby',
      'channel:',
      'reply:0:x',
      'reply:-1:x',
      'reply:1',
      'reply:1:',
      'dm:x',
      'mesh:x',
    ]) {
      expect(parseTarget(text), text).toBeUndefined();
    }
  });

  it('has a name of at most 128 bytes, not characters', () => {
    expect(parseTarget(`channel:${'a'.repeat(128)}`)).toBeDefined();
    expect(parseTarget(`channel:${'ä'.repeat(64)}`)).toBeDefined();
    expect(parseTarget(`channel:${'ä'.repeat(65)}`)).toBeUndefined();
  });

  it('is read as it was written', () => {
    const name = fc.string({ minLength: 1, maxLength: 30 }).map((text) => `x${text}x`);
    fc.assert(
      fc.property(name, fc.integer({ min: 1, max: 2 ** 40 }), (channel, number) => {
        const open = { kind: 'channel', channel } as const;
        const reply = { kind: 'reply', number, channel } as const;
        expect(parseTarget(formatTarget(open))).toEqual(open);
        expect(parseTarget(`mesh:${formatTarget(reply)}`)).toEqual(reply);
      }),
    );
  });

  it('says what to write where it is wrong', () => {
    expect(() => requireTarget('dm:x')).toThrow('channel:NAME');
    expect(explainTarget('dm:x')).toContain('"dm:x" is no target');
  });
});
