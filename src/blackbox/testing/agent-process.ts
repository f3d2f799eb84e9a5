/**
 * An agent in a process of its own, which can be killed: `node agent-process.ts DATA_FOLDER`. It answers each item in two
 * parts that name the attempt, and writes a dot for each thing that it does.
 */
import { AgentClient } from './agent-client.ts';

new AgentClient(process.argv[2] ?? '', ({ attempt, message }) => {
  process.stdout.write('.');
  return [1, 2].map((part) => `${attempt}.${part} to ${message.body}`);
});
