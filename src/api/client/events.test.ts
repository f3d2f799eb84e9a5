import { describe, expect, it } from 'vitest';
import { EventParser } from './events.ts';

describe('the parser of events', () => {
  const text = 'event: attached\ndata: {"a":1}\n\nevent: item\nid: 7\ndata: {"b":"x: y"}\n\n';
  const events = [
    { event: 'attached', data: '{"a":1}' },
    { event: 'item', data: '{"b":"x: y"}' },
  ];

  it.each([1, 2, 3, 7, 1000])('finds them in pieces of %d characters', (size) => {
    const parser = new EventParser();
    const found = [];
    for (let at = 0; at < text.length; at += size) found.push(...parser.push(text.slice(at, at + size)));
    expect(found).toEqual(events);
  });

  it('passes over what has no data, and takes no event without end', () => {
    const parser = new EventParser();
    expect(parser.push(': comment\n\nevent: x\n\n')).toEqual([]);
    expect(() => {
      for (let i = 0; i < 200; i++) parser.push('x'.repeat(10_000));
    }).toThrow(RangeError);
  });

  it('reads a long event in many pieces in time', () => {
    const parser = new EventParser();
    const long = 'x'.repeat(900_000);
    let found = 0;
    for (const piece of `data: ${long}\n\n`.match(/.{1,100}|\n/gs) ?? []) found += parser.push(piece).length;
    expect(found).toBe(1);
  });
});
