import { defineCommand } from '../command.ts';
import { EXIT } from '../exit.ts';
import { print, warn } from '../print.ts';
import { listenForStop } from '../stop-signal.ts';
import { jsonLine, visibleLine } from '../text.ts';

/** `mesh bootstrap`: serves a list of peers, for a mesh of one's own. */
export const bootstrapCommand = defineCommand({
  usage: 'bootstrap',
  summary: 'Serve a bootstrap list; MESH_BOOTSTRAP_PORT and MESH_BOOTSTRAP_FILE say where and which',
  examples: [['MESH_BOOTSTRAP_FILE=peers.json $0 bootstrap', 'serve a list of your own']],
  build: (parser) => parser,
  run: async (_args, { io, global }) => {
    const [{ parseOptions }, { startBootstrapServer }] = await Promise.all([
      import('../../daemon/index.ts'),
      import('../../bootstrap/index.ts'),
    ]);
    const { host, bootstrapPort, bootstrapFile } = parseOptions(io.env, io.cwd);
    const signal = listenForStop(io);
    const server = await startBootstrapServer({
      file: bootstrapFile,
      host,
      port: bootstrapPort.port,
      fixedPort: bootstrapPort.fixed,
      log: (level, phrase, data) => {
        const time = new Date().toISOString();
        const words = Object.entries(data).map(([name, value]) => `${name} ${value}`);
        if (global.json || io.stderr.isTTY !== true) warn(io, jsonLine({ level, time, phrase, ...data }));
        else warn(io, visibleLine([phrase, ...words].join(', ')));
      },
    });
    const shownHost = server.host === '0.0.0.0' || server.host === '::' ? 'localhost' : server.host;
    const url = `http://${shownHost.includes(':') ? `[${shownHost}]` : shownHost}:${server.port}/bootstrap.json`;
    await print(
      io,
      global.json ? jsonLine({ url, file: bootstrapFile }) : `Serving ${bootstrapFile} at ${url}`,
    );
    if (server.moved && !global.json) await print(io, `Port ${bootstrapPort.port} was taken.`);
    await signal.asked;
    await server.stop();
    signal.forget();
    return EXIT.ok;
  },
});
