import type { ServerResponse } from 'node:http'
import { CASES, COLUMNS } from './cases.ts'
import { Refusal } from './refusal.ts'
import { page } from './rows.ts'

type Sent = Record<string, unknown>

const ROLES = [
  { grant: 1, id: 'insurance_office', label: '医保办', desk: 'hospital', reach: 'hospital' },
  { grant: 2, id: 'dept_head', label: '科主任', desk: 'hospital', reach: 'department' },
]
const ME = {
  name: 'yibaoban',
  display: '示例用户',
  acting: ROLES[0],
  roles: ROLES,
  permissions: ['cases.read', 'export'],
  sees_money: true,
  scope: { area: 'demo-east', hospitals: [{ code: 'H001', name: '示例市第一人民医院' }], departments: null, doctor: null, cases: null },
  months: ['2024-06', '2025-05', '2025-06'],
  areas: [{ id: 'demo-east', label: '示例市' }],
  csrf: 'mock',
  demo: true,
  must_change: false,
}

/** A password of `new` leads to the form that changes it; `wrong` is refused. */
let mustChange = false
const me = () => ({ ...ME, must_change: mustChange })

export function answers(what: string, sent: Sent, cookie: string, response: ServerResponse): unknown {
  if (what === 'POST /session') {
    if (sent['password'] === 'wrong') {
      throw new Refusal(401, 'session.refused', '登录名或口令不对', '连续 5 次不对将锁定 15 分钟；忘记口令请找用户管理员。')
    }
    mustChange = sent['password'] === 'new'
    response.setHeader('Set-Cookie', 'tongpin_session=mock; HttpOnly; SameSite=Strict; Path=/')
    return me()
  }
  if (!cookie.includes('tongpin_session=mock')) throw new Refusal(401, 'session.none', '还没有登录', '请先登录。')
  if (what === 'DELETE /session') {
    response.setHeader('Set-Cookie', 'tongpin_session=; Path=/; Max-Age=0')
    return undefined
  }
  if (what === 'GET /me') return me()
  if (what === 'PUT /session/password') {
    mustChange = false
    return { ok: true }
  }
  if (what === 'PUT /session/role') return { ...me(), acting: ROLES.find((role) => role.grant === sent['grant']) }
  if (what === 'GET /tables/cases') {
    return {
      id: 'cases',
      label: '病例',
      note: '',
      columns: COLUMNS,
      exports: true,
      parameters: [{ id: 'month', label: '月份', kind: 'month', required: false }],
      row_link: '/cases/{case_id}',
    }
  }
  if (what === 'POST /tables/cases/rows') return page(CASES, sent)
  const found = /^GET \/cases\/(.+)$/.exec(what)?.[1]
  const row = CASES.find((one) => one['case_id'] === decodeURIComponent(found ?? ''))
  if (row !== undefined) return sheet(row)
  throw new Refusal(404, 'none', '没有这一项', '它可能已被撤回，或不在您的范围内。')
}

function sheet(row: Record<string, unknown>): unknown {
  const fields = COLUMNS.map(({ id, label, kind, unit, digits }) => ({ id, label, kind, unit, digits, note: '', value: row[id] }))
  const text = { unit: '', kind: 'text', digits: 2 }
  return {
    case_id: row['case_id'],
    title: `${String(row['department'])} · ${String(row['drg_name'])}`,
    sections: [
      { id: 'case', label: '病案', note: '', fields, columns: [], rows: [] },
      {
        id: 'price',
        label: '支付标准',
        note: '每一步写出依据的数',
        fields: [],
        columns: [
          { ...text, id: 'step', label: '步骤' },
          { ...text, id: 'formula', label: '算式' },
          { ...text, id: 'amount_fen', label: '金额', kind: 'money', unit: '元' },
        ],
        rows: [
          { step: '支付标准', formula: '权重 × 费率', amount_fen: row['standard_fen'] },
          { step: '医疗总费用', formula: '取自结算结果', amount_fen: row['fee_fen'] },
        ],
      },
    ],
  }
}
