import { beforeEach, describe, expect, it, vi } from 'vitest';
import { NET_LIMITS } from '../net-limits.ts';
import { PacketWire, questionPacket, type WireSocket } from '../testing/packet-wire.ts';
import { PacketDoor } from './packet-door.ts';

const QUESTION = questionPacket('_openclaw-mesh._tcp.local', 'PTR');
const AT = { name: 'eth0', address: '192.168.1.5', prefixBits: 24, scope: 'private' } as const;

let wire: PacketWire;
let socket: WireSocket;
let nowMs: number;
const onTrouble = vi.fn();
const onBroken = vi.fn();
const onMessage = vi.fn();

async function makeDoor(): Promise<PacketDoor> {
  const made = await wire.open(AT);
  socket = made;
  const names = ['_openclaw-mesh'];
  const door = new PacketDoor({ socket: made, at: AT, names, monotonicMs: () => nowMs, onTrouble, onBroken });
  door.on('message', onMessage);
  return door;
}

/** A packet arrives at once, without the wire's delay. */
function arrive(packet: Buffer, from = { address: '192.168.1.9', port: 5353 }): void {
  socket.emit('message', packet, { family: 'IPv4', size: packet.length, ...from });
}

const send = (door: PacketDoor): Promise<void> =>
  new Promise((resolve) => door.send(QUESTION, 0, QUESTION.length, 1, 'elsewhere', resolve));

beforeEach(() => {
  wire = new PacketWire();
  nowMs = 0;
  vi.clearAllMocks();
});

describe('the door', () => {
  it('lets packets in only between open and leave', async () => {
    const door = await makeDoor();
    arrive(QUESTION);
    expect(onMessage).not.toHaveBeenCalled();
    door.open();
    arrive(QUESTION);
    expect(onMessage).toHaveBeenCalledTimes(1);
    door.leave();
    arrive(QUESTION);
    door.open();
    arrive(QUESTION);
    expect(onMessage).toHaveBeenCalledTimes(1);
  });

  it('lets in only what contains a name of interest, in any case of letters', async () => {
    (await makeDoor()).open();
    arrive(questionPacket('_ipp._tcp.local', 'PTR'));
    expect(onMessage).not.toHaveBeenCalled();
    arrive(questionPacket('_OpenClaw-MESH._tcp.local', 'PTR'));
    expect(onMessage).toHaveBeenCalledTimes(1);
  });

  it('survives listeners that throw', async () => {
    const door = await makeDoor();
    door.open();
    onMessage.mockImplementationOnce(() => {
      throw new Error('mistake of the library');
    });
    arrive(QUESTION);
    arrive(QUESTION);
    expect(onMessage).toHaveBeenCalledTimes(2);
  });

  it('reads so many packets at once, and then so many a second', async () => {
    (await makeDoor()).open();
    const { localPacketsBurst, localPacketsPerSecond } = NET_LIMITS;
    for (let n = 0; n < 2 * localPacketsBurst; n++) arrive(QUESTION);
    expect(onMessage).toHaveBeenCalledTimes(localPacketsBurst);
    nowMs += 1000;
    for (let n = 0; n < 2 * localPacketsPerSecond; n++) arrive(QUESTION);
    expect(onMessage).toHaveBeenCalledTimes(localPacketsBurst + localPacketsPerSecond);
  });

  it('sends to the group only, so much and no more, but a farewell always', async () => {
    const door = await makeDoor();
    for (let n = 0; n < 100; n++) await send(door);
    expect(wire.packets).toHaveLength(NET_LIMITS.localSendsBurst);
    door.leave();
    await send(door);
    expect(wire.packets).toHaveLength(NET_LIMITS.localSendsBurst + 1);
    expect(new Set(wire.packets.map(({ to }) => to))).toEqual(new Set(['224.0.0.251:5353']));
  });

  it('tells a failure once, and that it is over', async () => {
    const door = await makeDoor();
    socket.failure = Object.assign(new Error('send'), { code: 'ENETUNREACH' });
    await send(door);
    await send(door);
    expect(onTrouble.mock.calls).toEqual([['ENETUNREACH send']]);
    socket.failure = undefined;
    await send(door);
    expect(onTrouble).toHaveBeenLastCalledWith('');
  });

  it('stays calm when the socket is gone', async () => {
    const door = await makeDoor();
    socket.emit('error', Object.assign(new Error('read'), { code: 'EBADF' }));
    expect(onBroken).toHaveBeenCalledWith('EBADF read');
    socket.isClosed = true;
    await send(door); // the socket throws
    await new Promise<void>((resolve) => door.close(resolve));
    socket.emit('error', new Error('late'));
    await send(door);
    expect(onBroken).toHaveBeenCalledTimes(1);
  });
});
