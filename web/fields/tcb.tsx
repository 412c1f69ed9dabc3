/** Versions of the firmware that must be trusted, against the floors of policy and vendor. */
import { useMemo } from 'preact/hooks';
import { harmless } from '#verifier/words/lines.ts';
import type { Judged } from '../model/judge.ts';
import { openCheck } from '../model/session.ts';
import { Panel } from '../parts/panel.tsx';
import { StatusMark } from '../parts/status.tsx';
import { tcbStrings as words } from '../strings/tcb.ts';
import { Bar } from './bar.tsx';
import { bundleCollateral } from './given-certificates.ts';
import { IntelTcb } from './intel-tcb.tsx';
import { intelTcbTable } from './intel-tcb-model.ts';
import {
  type DeviceRow,
  deviceRows,
  type SnpTcbColumn,
  type SnpTcbTable,
  snpTcbTable,
  type TcbCell,
  type VersionCell,
} from './tcb-model.ts';
import './tcb.css';

/** Absent where the evidence tells no versions. */
export function Tcb({ judged }: { judged: Judged }) {
  const { verified, policy, sorted, at } = judged;
  const { claims, devices } = verified;
  const snp = claims?.platform === 'sev-snp' ? snpTcbTable(claims, policy.sevSnp) : null;
  const intel = useMemo(() => {
    if (claims?.platform !== 'tdx' && claims?.platform !== 'sgx') return null;
    const collateral = [...sorted.collateral, ...bundleCollateral(sorted.evidence)];
    return intelTcbTable({ claims, collateral, policy: policy[claims.platform], at });
  }, [claims, sorted, policy, at]);
  const rows = deviceRows(devices, policy.devices);
  if (snp === null && intel === null && rows.length === 0) return null;
  return (
    <Panel id="tcb" title={words.title}>
      {snp !== null && <SnpTcb table={snp} judged={judged} />}
      {intel !== null && <IntelTcb table={intel} />}
      {rows.length > 0 && <Devices rows={rows} />}
    </Panel>
  );
}

function SnpTcb({ table, judged }: { table: SnpTcbTable; judged: Judged }) {
  const { product, columns, rows } = table;
  return (
    <>
      <p class="quiet">{words.snpNote}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable */}
      <section class="scroll" tabIndex={0} aria-label={words.snpTable(product)}>
        <table class="tcb-table tcb-snp" aria-label={words.snpTable(product)}>
          <thead>
            <tr>
              <th scope="col">{words.part}</th>
              {columns.map((column) => (
                <SnpHead key={column.which} column={column} product={product} judged={judged} />
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ part, scale, cells }) => (
              <tr key={part}>
                <th scope="row">{words.parts[part]}</th>
                {cells.map((cell, i) => (
                  <td key={columns[i]?.which}>
                    {cell === null ? words.unreadable : <SnpCell cell={cell} scale={scale} />}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

type HeadProps = { column: SnpTcbColumn; product: string; judged: Judged };

function SnpHead({ column: { which, check, floor }, product, judged }: HeadProps) {
  const { name, about } = words.tcbs[which];
  const result = judged.verdict.checks.find(({ id }) => id === check);
  return (
    <th scope="col">
      {name}
      <span class="tcb-about">{about}</span>
      {result !== undefined && (
        <button
          type="button"
          class="fields-check"
          onClick={() => {
            openCheck.value = null;
            openCheck.value = check;
          }}
        >
          <StatusMark status={result.status} /> <code>{check}</code>
        </button>
      )}
      {floor !== 'set' && <span class="tcb-about">{words.floors[floor](product)}</span>}
    </th>
  );
}

function SnpCell({ cell: { value, floor, behind }, scale }: { cell: TcbCell; scale: number }) {
  return (
    <>
      <span class="tcb-value">{value}</span>
      {floor !== null && (
        <span class={behind > 0 ? 'tcb-behind' : 'quiet'}>
          {behind > 0 ? words.behind(floor, behind) : words.floor(floor)}
        </span>
      )}
      <Bar
        value={value}
        scale={scale}
        marks={floor === null ? [] : [{ at: floor, kind: 'floor' }]}
        short={behind > 0}
      />
    </>
  );
}

function Devices({ rows }: { rows: readonly DeviceRow[] }) {
  return (
    <>
      <h3>{words.devices}</h3>
      <table class="tcb-table">
        <thead>
          <tr>
            <th scope="col">{words.device}</th>
            <th scope="col">{words.driver}</th>
            <th scope="col">{words.firmware}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ kind, architecture, driver, firmware }, i) => (
            <tr key={i}>
              <th scope="row">{words.deviceOf(kind, harmless(architecture))}</th>
              <td>
                <Version cell={driver} />
              </td>
              <td>
                <Version cell={firmware} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function Version({ cell: { version, floor, missing, reached } }: { cell: VersionCell }) {
  const held = reached ? words.reached : words.below;
  const said = missing
    ? words.noFloorFor
    : floor === null
      ? words.anyVersion
      : `${words.floor(floor)}: ${held}`;
  return (
    <>
      <code>{version === null ? words.unknown : harmless(version)}</code>{' '}
      <span class={reached ? 'quiet' : 'tcb-behind'}>{said}</span>
    </>
  );
}
