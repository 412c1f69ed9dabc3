/** Certificates and revocation lists, each a card, in the order of their chains. */
import { useMemo } from 'preact/hooks';
import { harmless } from '#verifier/words/lines.ts';
import type { Judged } from '../model/judge.ts';
import { Panel } from '../parts/panel.tsx';
import { certificateStrings as words } from '../strings/certificates.ts';
import { CertificateView, ListView, UnreadableView } from './certificate-card.tsx';
import { type Card, type Chain, chainsOf, maxCards } from './certificate-model.ts';
import { givenDers } from './given-certificates.ts';
import './certificates.css';

export function Certificates({ judged }: { judged: Judged }) {
  const { sorted, roots, at } = judged;
  const given = useMemo(() => givenDers(sorted.evidence, sorted.collateral), [sorted]);
  const chains = useMemo(() => chainsOf(given, roots, at), [given, roots, at]);
  if (given.length === 0) return null;
  return (
    <Panel id="certificates" title={words.title} note={words.note}>
      {chains.map((chain, i) => (
        <ChainView key={i} chain={chain} at={at} />
      ))}
      {given.length > maxCards && <p>{words.more(given.length - maxCards)}</p>}
    </Panel>
  );
}

function ChainView({ chain: { root, cards }, at }: { chain: Chain; at: number }) {
  return (
    <>
      <h3>{root === null ? words.withoutIssuer : words.chainOf(harmless(root.commonName))}</h3>
      <ol class="cert-chain">
        {cards.map((card, i) => (
          <li key={i} class="cert-card">
            <CardView card={card} at={at} />
          </li>
        ))}
      </ol>
    </>
  );
}

function CardView({ card, at }: { card: Card; at: number }) {
  switch (card.kind) {
    case 'certificate':
      return <CertificateView card={card} at={at} />;
    case 'list':
      return <ListView card={card} at={at} />;
    case 'unreadable':
      return <UnreadableView card={card} />;
  }
}
