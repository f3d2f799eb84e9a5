import { describe, expect, it } from 'vitest';
import { FRIEND, ME, makeItem } from './bridge.fixture.ts';
import { hasOwner, isOwner, isOwnersWord, senderOf, withOwner } from './owners.ts';

const of = (...ownerAllowFrom: unknown[]) => ({ commands: { ownerAllowFrom } });

describe('who may run commands', () => {
  it('is whom the list names for this channel, in its exact spelling', () => {
    expect(isOwner(of(`mesh:${FRIEND}`), FRIEND)).toBe(true);
    expect(isOwner(of(`mesh:${FRIEND.toLowerCase()}`), FRIEND)).toBe(false);
    expect(isOwner(of(`mesh:${ME}`, 'telegram:1'), FRIEND)).toBe(false);
  });

  it('is not the agent of whom it names: what an agent says by itself is not its owner’s word', () => {
    const owners = of(`mesh:${FRIEND}`);
    expect(isOwnersWord(owners, makeItem(1))).toBe(true);
    expect(isOwnersWord(owners, makeItem(1, { hops: 1 }))).toBe(false);
    expect(isOwner(owners, senderOf(makeItem(1)))).toBe(true);
    expect(isOwner(owners, senderOf(makeItem(1, { hops: 1 })))).toBe(false);
  });

  it('is nobody by a wildcard, an entry of another channel or a broken list', () => {
    for (const config of [
      of('*'),
      of('mesh:*'),
      of(FRIEND),
      of(`x:${FRIEND}`),
      {},
      { commands: 1 },
      undefined,
    ]) {
      expect(isOwner(config, FRIEND)).toBe(false);
    }
  });

  it('adds an owner and keeps everything else', () => {
    const before = { other: 1, commands: { text: true, ownerAllowFrom: ['telegram:1'] } };
    const after = withOwner(before, FRIEND);
    expect(after).toEqual({
      other: 1,
      commands: { text: true, ownerAllowFrom: ['telegram:1', `mesh:${FRIEND}`] },
    });
    expect(withOwner(after, FRIEND)).toBe(after);
    expect(before.commands.ownerAllowFrom).toEqual(['telegram:1']);
  });

  it('begins the list where there is none', () => {
    expect(hasOwner({})).toBe(false);
    expect(hasOwner(of(' '))).toBe(false);
    expect(hasOwner(withOwner({}, ME))).toBe(true);
  });
});
