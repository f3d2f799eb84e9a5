import { describe, expect, it } from 'vitest';
import { closeCodeOf, closeTextOf, remoteReason } from './close-reason.ts';

describe('the close frame', () => {
  it('has a code that says what the other side may do', () => {
    expect(closeCodeOf('stopping')).toBe(1001);
    expect(closeCodeOf('invalid_message')).toBe(1008);
    expect(closeCodeOf('banned')).toBe(1008);
    expect(closeCodeOf('too_many_links')).toBe(1013);
    expect(closeCodeOf('duplicate_link')).toBe(4000);
  });

  it('has the error code and the detail as text, at most 123 bytes and never half a character', () => {
    expect(closeTextOf('too_slow', '')).toBe('too_slow');
    expect(closeTextOf('invalid_message', 'frame\n 7')).toBe('invalid_message: frame 7');
    for (let length = 90; length < 130; length++) {
      const text = closeTextOf('banned', '€'.repeat(length) + '😀');
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(123);
      expect(text).not.toContain('\ufffd');
    }
  });
});

describe('the reason given to the core', () => {
  it('names a code of the table, the WebSocket code, or that the connection was lost', () => {
    expect(remoteReason(1008, 'banned: you know why')).toBe('remote banned');
    expect(remoteReason(4000, 'duplicate_link')).toBe('remote duplicate_link');
    expect(remoteReason(1000, '')).toBe('remote 1000');
    expect(remoteReason(1005, '')).toBe('remote 1000');
    expect(remoteReason(1002, 'text of a stranger')).toBe('remote 1002');
    expect(remoteReason(1008, 'toString')).toBe('remote 1008');
    expect(remoteReason(1006, 'stopping')).toBe('lost');
  });
});
