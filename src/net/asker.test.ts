import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askerOf } from './asker.ts';

const OWN = '127.0.0.1';
const request = (headers: Record<string, string> = {}, remoteAddress: string | undefined = OWN) =>
  ({ headers, socket: { remoteAddress } }) as unknown as IncomingMessage;
const ask = (forwardedFor: string, trustProxy: number, more: Record<string, string> = {}) =>
  askerOf(request({ 'x-forwarded-for': forwardedFor, ...more }), trustProxy);

describe('without a trusted proxy', () => {
  it('an asker is who the socket says', () => {
    expect(askerOf(request(), 0)).toEqual({ ip: OWN, scope: 'loopback' });
    expect(askerOf(request({}, '::ffff:10.0.0.7'), 0)).toEqual({ ip: '::ffff:10.0.0.7', scope: 'private' });
    expect(askerOf({ headers: {}, socket: {} } as IncomingMessage, 0)).toEqual({ ip: '', scope: 'public' });
  });

  it('no header moves the address, and one that speaks for others only takes closeness away', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), (text) => {
        expect(ask(text, 0)).toEqual({ ip: OWN, scope: 'public' });
      }),
    );
    for (const name of ['forwarded', 'x-real-ip', 'via', 'origin'])
      expect(askerOf(request({ [name]: '192.168.0.1' }), 0), name).toEqual({ ip: OWN, scope: 'public' });
  });
});

describe('behind trusted proxies', () => {
  it.each([
    ['8.8.8.8', 1, '8.8.8.8', 'public'],
    ['192.168.0.9', 1, '192.168.0.9', 'private'],
    ['8.8.8.8, 10.0.0.1', 2, '8.8.8.8', 'public'],
    ['10.0.0.7,10.0.0.1', 2, '10.0.0.7', 'private'],
    ['8.8.8.8:50000', 1, '8.8.8.8', 'public'],
    ['2a00:1::7', 1, '2a00:1::7', 'public'],
    ['[2a00:1::7]', 1, '2a00:1::7', 'public'],
    ['[fd00::7]:443', 1, 'fd00::7', 'private'],
  ])('"%s" with %i of them is the asker %s, %s', (header, trustProxy, ip, scope) => {
    expect(ask(header, trustProxy)).toEqual({ ip, scope });
  });

  it('what a client writes itself stands further left and is never taken', () => {
    fc.assert(
      fc.property(
        fc.string().map((text) => text.replace(/[\r\n]/g, '')),
        fc.integer({ min: 1, max: 8 }),
        (lie, trustProxy) => {
          const real = Array.from({ length: trustProxy }, (_, i) => `8.8.${i}.8`);
          // Whoever brings a header of its own speaks for others, so it is not close wherever it is.
          const { ip, scope } = ask([lie, ...real].join(', '), trustProxy);
          expect([ip, scope]).toEqual(['8.8.0.8', 'public']);
        },
      ),
    );
    expect(ask('127.0.0.1, 192.168.0.9', 1)).toEqual({ ip: '192.168.0.9', scope: 'public' });
  });

  it.each([
    '',
    'unknown',
    '8.8.8.8, ',
    '8.8.8.8,_hidden',
    '8.8.8.8, 1.2.3',
    '1.2.3.4:5:6',
    '[127.0.0.1',
    '8.8.8.8 9.9.9.9',
    '"8.8.8.8"',
  ])('of a header that is none, "%s", nothing is believed', (header) => {
    expect(ask(header, 1)).toEqual({ ip: OWN, scope: 'public' });
  });

  it('a header with fewer entries than there are proxies did not come through all of them', () => {
    expect(ask('8.8.8.8', 2)).toEqual({ ip: OWN, scope: 'public' });
  });

  it('somebody who goes around the proxy and says nothing is who the socket says', () => {
    expect(askerOf(request(), 1)).toEqual({ ip: OWN, scope: 'loopback' });
  });

  it('their own headers take no closeness away, those of somebody before them do', () => {
    expect(ask('10.0.0.7', 1, { 'x-real-ip': '10.0.0.7', forwarded: 'for=10.0.0.7' }).scope).toBe('private');
    expect(ask('10.0.0.7', 1, { via: '1.1 squid' }).scope).toBe('public');
    expect(ask('10.0.0.7', 1, { origin: 'https://page.example' }).scope).toBe('public');
  });
});
