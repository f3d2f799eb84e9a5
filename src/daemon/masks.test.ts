import { describe, expect, it } from 'vitest';
import { maskOption, maskQueries } from './masks.ts';

describe('an option in an error', () => {
  it.each([
    ['wss://anna:s3cret@a.example:5000/x', 'wss://***@a.example:5000/x'],
    ['wss://a.example/x?token=s3cret', 'wss://a.example/x?***'],
    ['wss://anna:s3cret@a.example/?token=s3cret', 'wss://***@a.example/?***'],
    ['wss://anna:s3,cr3t@a.example/', 'wss://***@a.example/'],
    ['wss://anna:s3@cr3t@a.example/', 'wss://***@a.example/'],
    ['wss://anna:s3?cr3t@a.example/', 'wss://***'],
    ['wss://a.example/?token=a@s3cret', 'wss://***'],
    ['wss://a.example/?token=s3,cr3t', 'wss://a.example/?***'],
    [
      'ws://b.example, wss://u:p@a.example/, ws://c.example/?t=s3cret',
      'ws://b.example, wss://***@a.example/, ws://c.example/?***',
    ],
    ['anna:s3cret@a.example:5000', '***@a.example:5000'],
    ['5001.5', '5001.5'],
    ['http://a.example', 'http://a.example'],
  ])('%s becomes %s', (text, masked) => {
    expect(maskOption(text)).toBe(masked);
  });
});

describe('data of the log', () => {
  it('has no query of a URL, at any depth and in any text, and is the same otherwise', () => {
    const source = 'https://a.example/list.json?token=s3cret';
    const data = {
      source,
      n: 1,
      none: null,
      parts: [{ url: 'wss://b.example/?k=s3cret&x=1' }],
      why: `GET ${source} failed: what?`,
    };
    expect(maskQueries(data)).toEqual({
      ...{ source: 'https://a.example/list.json?***', n: 1, none: null },
      ...{
        parts: [{ url: 'wss://b.example/?***' }],
        why: 'GET https://a.example/list.json?*** failed: what?',
      },
    });
    expect(data.source).toBe(source);
    const date = new Date();
    expect(maskQueries({ date })).toEqual({ date });
  });
});
