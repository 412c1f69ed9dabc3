/** One certificate, or one revocation list. */
import { toBase64 } from '#verifier/bytes.ts';
import type { ShowSection } from '#verifier/show/document.ts';
import { formatTime } from '#verifier/time.ts';
import { harmless } from '#verifier/words/lines.ts';
import { certificateStrings as words } from '../strings/certificates.ts';
import type {
  Card,
  CertificateCard,
  ListCard,
  Origin,
  UnreadableCard,
  Validity,
} from './certificate-model.ts';

export function CertificateView({ card, at }: { card: CertificateCard; at: number }) {
  const name = harmless(card.commonName) || words.unnamed;
  const self = card.subject === card.issuer;
  return (
    <>
      <h4>{name}</h4>
      <p class="cert-purpose">{words.purposes[card.purpose]}</p>
      {card.root !== null && <p class={`cert-badge cert-${card.root}`}>{words.roots[card.root]}</p>}
      {card.revoked && <p class="cert-badge cert-insecure">{words.revokedMark}</p>}
      {card.refusal !== null && <p class="cert-badge cert-insecure">{harmless(card.refusal)}</p>}
      <Timeline validity={card.validity} at={at} said={words.validity} />
      <dl class="cert-facts">
        <Fact name={words.issuer} text={self ? words.selfIssued : card.issuer} />
        <Fact name={words.key} text={words.keyOf(card.key, card.keyBits)} />
        <Fact name={words.serial} text={card.serial} mono />
        <Fact name={words.fingerprint} text={card.fingerprint} mono />
        <Fact name={words.from} text={originsText(card.origins)} />
      </dl>
      {card.vendor.length > 0 && (
        <details
          open={card.purpose === 'pck' || card.purpose === 'vcek' || card.purpose === 'vlek'}
        >
          <summary>{words.vendor}</summary>
          <dl class="cert-facts">
            {card.vendor.map(({ name: member, value }) => (
              <Fact key={member} name={member} text={value} mono />
            ))}
          </dl>
        </details>
      )}
      <AllFields section={card.section} />
      <Save card={card} name={name} label="CERTIFICATE" />
    </>
  );
}

export function ListView({ card, at }: { card: ListCard; at: number }) {
  const issuer = /(?:^|, )CN=([^,]*)/.exec(card.issuer)?.[1] ?? card.issuer;
  const name = harmless(issuer) || words.unnamed;
  const { validity } = card;
  return (
    <>
      <h4>{words.listOf(name)}</h4>
      <p class="cert-purpose">{words.listPurpose}</p>
      {card.refusal !== null && <p class="cert-badge cert-insecure">{harmless(card.refusal)}</p>}
      <Timeline validity={validity} at={at} said={words.listValidity} />
      <dl class="cert-facts">
        <Fact name={words.issuer} text={card.issuer} />
        <Fact name={words.listed} text={words.listedOf(card.revoked)} />
        {validity !== null && <Fact name={words.updated} text={formatTime(validity.from)} />}
        {validity !== null && <Fact name={words.next} text={formatTime(validity.until)} />}
        <Fact name={words.from} text={originsText(card.origins)} />
      </dl>
      <AllFields section={card.section} />
      <Save card={card} name={name} label="X509 CRL" />
    </>
  );
}

export function UnreadableView({ card }: { card: UnreadableCard }) {
  return (
    <>
      <h4>{words.unreadable}</h4>
      <p class="cert-badge cert-insecure">{harmless(card.refusal)}</p>
      <dl class="cert-facts">
        <Fact name={words.from} text={originsText(card.origins)} />
        <Fact name={words.length} text={words.size(card.der.length)} />
      </dl>
    </>
  );
}

type TimelineProps = {
  validity: Validity | null;
  at: number;
  said: (validity: Validity) => string;
};

function Timeline({ validity, at, said }: TimelineProps) {
  if (validity === null) return <p class="cert-badge cert-insecure">{words.noValidity}</p>;
  const { from, until, state, passed } = validity;
  const day = (time: number) => formatTime(time).slice(0, 10);
  const left = `${100 * passed}%`;
  return (
    <div class={`cert-time cert-time-${state}`}>
      <span class="cert-track" aria-hidden="true" title={`${words.now}: ${formatTime(at)}`}>
        <span class="cert-passed" style={{ width: left }} />
        <span class="cert-now" style={{ left }} />
      </span>
      <span class="cert-dates">
        <span>{day(from)}</span>
        <strong>{said(validity)}</strong>
        <span>{day(until)}</span>
      </span>
    </div>
  );
}

type FactProps = { name: string; text: string; mono?: boolean };

function Fact({ name, text, mono = false }: FactProps) {
  const shown = harmless(text);
  return (
    <div>
      <dt>{harmless(name)}</dt>
      <dd>{mono ? <code>{shown}</code> : shown}</dd>
    </div>
  );
}

function originsText(origins: readonly Origin[]): string {
  return origins.map((one) => words.origins[one]).join(', ');
}

/** A list may name thousands. */
const shownFields = 60;

function AllFields({ section }: { section: ShowSection }) {
  const fields = section.fields.slice(0, shownFields).map(({ name, value, parts = [] }) => ({
    name,
    value: [value, ...parts.map((part) => `${part.name}: ${part.value}`)].join(' · '),
  }));
  const left = section.fields.length - fields.length;
  return (
    <details>
      <summary>{words.all}</summary>
      <dl class="cert-facts">
        {fields.map(({ name, value }, i) => (
          <Fact key={i} name={name} text={value} mono />
        ))}
      </dl>
      {left > 0 && <p>{words.moreFields(left)}</p>}
    </details>
  );
}

type SaveProps = { card: Card; name: string; label: 'CERTIFICATE' | 'X509 CRL' };

function Save({ card, name, label }: SaveProps) {
  const save = () => {
    const lines = toBase64(card.der).match(/.{1,64}/g) ?? [];
    const text = [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
    const address = URL.createObjectURL(new Blob([text], { type: 'application/x-pem-file' }));
    const link = document.createElement('a');
    link.href = address;
    link.download = `${name.replace(/[^A-Za-z0-9.-]+/g, '-').slice(0, 60)}.pem`;
    link.click();
    URL.revokeObjectURL(address);
  };
  return (
    <p class="no-print cert-save">
      <button type="button" aria-label={words.saveOf(name)} onClick={save}>
        {words.save}
      </button>
    </p>
  );
}
