/** How messages spread in a simulated mesh, for reports, pictures and the bounds of scenarios. */
export { type Dissemination, disseminationOf } from './dissemination.ts';
export type { DisseminationFigures, SizeFigures, UsedTree } from './figures.ts';
export type { Spread } from './tally.ts';
