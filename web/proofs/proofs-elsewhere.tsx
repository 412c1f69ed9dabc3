/** In the single HTML file in place of the proofs: what they need, and where they can be had. */
import { Panel } from '../parts/panel.tsx';
import { elsewhereStrings } from '../strings/elsewhere.ts';

export function ProofsView() {
  return (
    <Panel id="proofs" title={elsewhereStrings.title}>
      <p data-test="proofs-elsewhere">{elsewhereStrings.why}</p>
      <p>{elsewhereStrings.where}</p>
      <p>{elsewhereStrings.command}</p>
    </Panel>
  );
}
