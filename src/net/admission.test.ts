import { describe, expect, it } from 'vitest';
import { type Admission, type AdmissionLimits, createAdmission } from './admission.ts';

function admission(limits: Partial<AdmissionLimits> = {}): Admission {
  return createAdmission({
    linksMax: 20,
    handshakesMax: 5,
    perAddressMax: 2,
    outboundReserved: 6,
    countedScopes: ['public'],
    ...limits,
  });
}

describe('admission', () => {
  it('allows handshakesMax unfinished sockets beside those that are up', () => {
    const gate = admission();
    expect(gate.acceptedMax(0)).toBe(5);
    gate.enter('127.0.0.1')?.up();
    gate.enter('127.0.0.1')?.up();
    expect(gate.acceptedMax(0)).toBe(7);
  });

  it('keeps places for own dials, and counts those in use', () => {
    const gate = admission({ handshakesMax: 100 });
    expect(gate.acceptedMax(0)).toBe(14);
    expect(gate.acceptedMax(6)).toBe(14);
    expect(gate.acceptedMax(9)).toBe(11);
    expect(gate.acceptedMax(30)).toBe(0);
  });

  it('refuses the third unfinished handshake of one public address, or of one IPv6 /64', () => {
    const gate = admission();
    const first = gate.enter('8.8.8.8');
    expect(gate.enter('::ffff:8.8.8.8')).toBeDefined();
    expect(gate.enter('8.8.8.8')).toBeUndefined();
    expect(gate.enter('8.8.4.4')).toBeDefined();
    first?.up();
    expect(gate.enter('8.8.8.8')).toBeDefined();
    for (const host of [1, 2]) expect(gate.enter(`2a00:1:2:3::${host}`)).toBeDefined();
    expect(gate.enter('2a00:1:2:3::3')).toBeUndefined();
  });

  it('does not count private and loopback addresses one by one: a reverse proxy has one for everybody', () => {
    const gate = admission();
    for (let i = 0; i < 10; i++) {
      expect(gate.enter('127.0.0.1')).toBeDefined();
      expect(gate.enter('10.0.0.1')).toBeDefined();
      expect(gate.enter('')).toBeDefined();
    }
  });

  it('counts a ticket under the address that it is moved to, if that has room', () => {
    const gate = admission();
    const [first, second] = [gate.enter(''), gate.enter('')];
    expect([first?.countAs('8.8.8.8'), second?.countAs('8.8.8.8')]).toEqual([true, true]);
    const third = gate.enter('8.8.4.4');
    expect(third?.countAs('8.8.8.8')).toBe(false);
    expect(gate.enter('8.8.4.4')).toBeDefined();
    expect(gate.enter('8.8.4.4'), 'the third one stayed where it was').toBeUndefined();
    expect(first?.countAs('8.8.8.8'), 'it is there already').toBe(true);
    second?.leave();
    expect(third?.countAs('8.8.8.8')).toBe(true);
    first?.up();
    expect(first?.countAs('8.8.4.4'), 'a finished one counts nowhere').toBe(true);
    third?.leave();
    expect(gate.counts()).toEqual({ accepted: 2, up: 1 });
    for (let i = 0; i < 2; i++) expect(gate.enter('8.8.8.8')).toBeDefined();
  });

  it('counts each ticket once, in whatever order it is used', () => {
    const gate = admission();
    const ticket = gate.enter('8.8.8.8');
    expect(gate.counts()).toEqual({ accepted: 1, up: 0 });
    ticket?.up();
    ticket?.up();
    expect(gate.counts()).toEqual({ accepted: 1, up: 1 });
    ticket?.leave();
    ticket?.leave();
    ticket?.up();
    expect(gate.counts()).toEqual({ accepted: 0, up: 0 });
    expect(gate.acceptedMax(0)).toBe(5);
  });
});
