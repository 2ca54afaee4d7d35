/** Made-up cases, the same at every start. */
const column = (id: string, label: string, kind: string, unit = '', help = '', digits = 2) => ({
  id,
  label,
  unit,
  kind,
  digits,
  width: null,
  hidden: false,
  filter: true,
  sort: true,
  help,
})

export const COLUMNS = [
  column('case_id', '病例号', 'text'),
  column('discharge_date', '出院日期', 'date'),
  column('department', '出院科室', 'text'),
  column('drg', '病组', 'text'),
  column('drg_name', '病组名称', 'text'),
  column('insurance', '险种', 'text'),
  column('stay_days', '住院天数', 'integer', '天'),
  column('weight', '权重', 'decimal', '', '', 4),
  column('fee_fen', '医疗总费用', 'money', '元'),
  column('standard_fen', '支付标准', 'money', '元'),
  column('result_fen', '结算差额', 'money', '元', '支付标准 − 医疗总费用；正数归医院'),
  column('drug_ratio', '药占比', 'ratio', '', '药品费 ÷ 医疗总费用'),
  column('outlier', '倍率', 'text'),
  column('findings', '质控问题', 'integer'),
]

const GROUPS: [string, string, string, number][] = [
  ['BR23D', '脑缺血性疾患，伴一般并发症', '神经内科', 0.85],
  ['ES35D', '呼吸系统感染，不伴并发症', '呼吸内科', 0.5],
  ['RE15D', '恶性增生性疾患的化学治疗', '肿瘤内科', 0.65],
  ['CB39D', '晶体手术', '眼科', 0.52],
  ['HC29D', '胆囊切除手术', '普外科', 1.2],
  ['OB19D', '剖宫产', '产科', 0.85],
  ['FM19D', '经皮冠状动脉支架植入', '心内科', 2.3],
  ['IC29D', '髋、膝关节置换', '骨科', 2.9],
]

let seed = 20_250_618
function random(): number {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
  return seed / 2_147_483_648
}

function makeCase(_none: unknown, index: number): Record<string, unknown> {
  const [drg, drg_name, department, weight] = GROUPS[Math.floor(random() * GROUPS.length)] ?? GROUPS[0]!
  const standard_fen = Math.round(weight * 1_150_000)
  const fee_fen = Math.round(standard_fen * Math.exp((random() + random() + random() - 1.5) * 0.8))
  const ratio = fee_fen / standard_fen
  return {
    case_id: `H001-20250${5 + (index % 2)}-${String(index + 1).padStart(6, '0')}`,
    discharge_date: `2025-0${5 + (index % 2)}-${String(1 + Math.floor(random() * 30)).padStart(2, '0')}`,
    department,
    drg,
    drg_name,
    insurance: random() < 0.45 ? '职工' : '居民',
    stay_days: 2 + Math.floor(random() * 14),
    weight,
    fee_fen,
    standard_fen,
    result_fen: standard_fen - fee_fen,
    drug_ratio: 0.1 + random() * 0.3,
    outlier: ratio > 2.4 ? '费用极高' : ratio < 0.45 ? '费用极低' : '正常',
    findings: random() < 0.2 ? 1 + Math.floor(random() * 3) : null,
  }
}

export const CASES = Array.from({ length: 4000 }, makeCase)
