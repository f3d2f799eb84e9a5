/**
 * A reverse proxy as operators put one in front of a daemon: ends TLS and passes HTTP and WebSocket on, with the address
 * that it saw at the end of `X-Forwarded-For`.
 */
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Certificate, createCertificate } from './certificate.ts';

export interface TlsProxy {
  readonly port: number;
  readonly certificate: Certificate;
  stop(): void;
}

export interface TlsProxyOptions {
  /** port on 127.0.0.1 that everything is passed on to */
  readonly target: number;
  /** the address that it pretends to have seen; default: what it really saw */
  readonly seenIp?: string;
}

/** Names and values as they are passed on, in order. */
function headersOf(request: IncomingMessage, seenIp: string | undefined): [name: string, value: string][] {
  const { 'x-forwarded-for': before, ...others } = request.headers;
  const seen = seenIp ?? request.socket.remoteAddress ?? '';
  const passed = Object.entries(others).map(([name, value]): [string, string] => [name, String(value)]);
  return [...passed, ['x-forwarded-for', before === undefined ? seen : `${before}, ${seen}`]];
}

/** Starts one at a free port of 127.0.0.1, with a new certificate for `localhost`. */
export async function startTlsProxy({ target, seenIp }: TlsProxyOptions): Promise<TlsProxy> {
  const certificate = createCertificate();
  const open = new Set<Duplex>();
  const keep = <T extends Duplex>(stream: T): T => {
    open.add(stream);
    stream.on('error', () => stream.destroy());
    stream.once('close', () => open.delete(stream));
    return stream;
  };
  const server = https.createServer(certificate, (request, response) => {
    const { method, url: path } = request;
    const headers = Object.fromEntries(headersOf(request, seenIp));
    const passed = http.request({ host: '127.0.0.1', port: target, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  });
  server.on('connection', keep);
  server.on('upgrade', (request: IncomingMessage, near: Duplex, head: Buffer) => {
    const far = keep(net.connect(target, '127.0.0.1'));
    const lines = headersOf(request, seenIp).map(([name, value]) => `${name}: ${value}\r\n`);
    far.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines.join('')}\r\n`);
    far.write(head);
    keep(near).pipe(far);
    far.pipe(near);
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    certificate,
    stop: () => {
      server.close();
      for (const stream of open) stream.destroy();
    },
  };
}
