/** The bootstrap server: hands a list of peers to whoever asks. */
export {
  type BootstrapServer,
  type BootstrapServerOptions,
  type Log,
  startBootstrapServer,
} from './server.ts';
