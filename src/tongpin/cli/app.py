"""The commands 命令: arguments and help only; the work is done in the rooms below."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tongpin.cli import EXIT_FINDINGS
from tongpin.cli.causes_app import causes_app
from tongpin.cli.clearing_app import clear
from tongpin.cli.dip_app import dip_app
from tongpin.cli.forecast_app import forecast_app, negotiate
from tongpin.cli.fund_app import fund_app
from tongpin.cli.guokao_app import guokao_app
from tongpin.cli.journal_app import journal_app
from tongpin.cli.ledger_app import ledger_app
from tongpin.cli.lists_app import lists_app
from tongpin.cli.measures_app import measures_app
from tongpin.cli.options import AreaOption, HomeOption, JsonOption, LanguageOption, MonthOption
from tongpin.cli.policy_app import policy_app
from tongpin.cli.portfolio_app import portfolio_app
from tongpin.cli.prepay_app import prepay_app
from tongpin.cli.report_app import report_app
from tongpin.cli.review_app import review_app
from tongpin.cli.weights_app import catalogue_app, round_app, weights_app

app = typer.Typer(
    name="tongpin",
    help="同频：同一份住院病案，同时得出医保结算与绩效考核。\n\nOne inpatient record, settled and assessed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
scheme_app = typer.Typer(help="分组方案：导入、检查、查看", no_args_is_help=True)
app.add_typer(scheme_app, name="scheme")
app.add_typer(report_app, name="report")
app.add_typer(policy_app, name="policy")
app.add_typer(weights_app, name="weights")
app.add_typer(round_app, name="round")
app.add_typer(catalogue_app, name="catalogue")
app.add_typer(dip_app, name="dip")
app.add_typer(fund_app, name="fund")
app.add_typer(forecast_app, name="forecast")
app.add_typer(prepay_app, name="prepay")
app.add_typer(ledger_app, name="ledger")
app.add_typer(journal_app, name="journal")
app.add_typer(lists_app, name="lists")
app.add_typer(review_app, name="review")
app.add_typer(measures_app, name="measures")
app.add_typer(portfolio_app, name="portfolio")
app.add_typer(causes_app, name="causes")
app.add_typer(guokao_app, name="guokao")


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="版本")] = False) -> None:
    """Show the version when asked."""
    if version:
        from tongpin import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.command()
def demo(
    home: HomeOption = None,
    cases: Annotated[int | None, typer.Option("--cases", min=1, help="清单份数，默认三个整月")] = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="做完即止，不打开工作台")] = False,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="工作台的端口")] = 8000,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """演示城市：生成、装载、分组、结算、指标、联合报告，然后打开工作台。"""
    from tongpin.cli import demo_command

    demo_command.run(home, cases, None if no_serve else port)


@app.command()
def serve(
    home: HomeOption = None,
    host: Annotated[str, typer.Option("--host", help="在哪个地址上回答，默认只限本机")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="端口")] = 8000,
    workers: Annotated[int, typer.Option("--workers", min=1, max=16, help="进程数")] = 1,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """工作台：接口与页面；第一次启动时造第一批账户，口令只显示一次。"""
    from tongpin.cli import serve_command

    serve_command.run(home, host, port, workers)


@app.command()
def openapi(
    output: Annotated[Path, typer.Option("--output", "-o", help="写到哪个文件")] = Path("openapi.json"),
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """接口说明：工作台的 OpenAPI 文档，页面的类型由它生成。"""
    from tongpin.cli import serve_command

    serve_command.openapi(output)


@app.command()
def city(
    out: Annotated[Path, typer.Argument(help="写到哪个文件夹")],
    profile: Annotated[str, typer.Option("--profile", help="prefecture-east | county-west")] = "prefecture-east",
    cases: Annotated[int | None, typer.Option("--cases", min=1, help="清单份数", show_default=False)] = None,
    months: Annotated[
        int | None, typer.Option("--months", min=1, help="整月数，都不给时三个整月", show_default=False)
    ] = None,
    layout: Annotated[
        str, typer.Option("--layout", help="national 国家格式，含差错 | plain 通用格式，无差错")
    ] = "national",
    layouts: Annotated[
        str, typer.Option("--layouts", help="自有布局：few 小表 | some 另加每个等级一家的明细 | all 全部明细")
    ] = "some",
    scheme: Annotated[
        str | None, typer.Option("--scheme", help="按哪个分组方案生成，默认演示方案", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="随机种子", show_default=False)] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """只生成演示城市的文件，不装载：两种城市、任何已有的分组方案。"""
    from tongpin.cli import city_command

    city_command.run(
        home,
        out,
        profile=profile,
        cases=cases,
        months=months,
        layout=layout,
        layouts=layouts,
        scheme=scheme,
        seed=seed,
    )


@app.command()
def load(
    files: Annotated[list[Path], typer.Argument(help="文件或文件夹")],
    kind: Annotated[str | None, typer.Option("--kind", help="文件种类，默认自动识别", show_default=False)] = None,
    scheme: Annotated[
        str | None, typer.Option("--scheme", help="按这个方案的字典核对编码，字典外的成为警告", show_default=False)
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """装载病案首页、结算清单、结算结果等文件；读不了的成为问题清单，其余照常装载。"""
    from tongpin.cli import record_commands

    if record_commands.load(home, files, kind, scheme):
        raise typer.Exit(EXIT_FINDINGS)


@app.command()
def show(
    case_id: Annotated[str, typer.Argument(metavar="CASE", help="清单的结算号，或病例号")],
    as_of: Annotated[
        int | None, typer.Option("--as-of", min=1, help="看第几次装载之后的样子，默认现在", show_default=False)
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """一份清单的全部：内容、各个版本改了什么、问题与改正、状态。"""
    from tongpin.cli import history_commands

    history_commands.show(home, case_id, as_of)


@app.command()
def findings(
    everything: Annotated[bool, typer.Option("--all", help="连同已改正的")] = False,
    institution: Annotated[
        str | None, typer.Option("--institution", help="只看这家机构（机构代码）", show_default=False)
    ] = None,
    case_id: Annotated[str | None, typer.Option("--case", help="只看这份清单", show_default=False)] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """待处理的问题：按原因数，多的在前，写明怎么改；改正后重新装载即消去。"""
    from tongpin.cli import history_commands

    if history_commands.findings(home, institution, case_id, everything=everything):
        raise typer.Exit(EXIT_FINDINGS)


@scheme_app.command("import")
def scheme_import(
    source: Annotated[Path, typer.Argument(help="方案表文件夹，或别人发布的方案（种类自动识别）")],
    scheme_id: Annotated[str, typer.Option("--id", help="方案代号")],
    kind: Annotated[str | None, typer.Option("--kind", help="来源种类，看不出时指明", show_default=False)] = None,
    licence: Annotated[str, typer.Option("--licence", help="来源的许可证，记入出处", show_default=False)] = "",
    replace: Annotated[bool, typer.Option("--replace", help="替换同一代号的另一套方案")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """导入一个分组方案：方案表文件夹、开源分组器的规则、流传的工作簿或本系统的方案模板。"""
    from tongpin.cli import scheme_commands

    scheme_commands.import_(home, source, scheme_id, kind, licence, replace=replace)


@scheme_app.command("template")
def scheme_template(
    output: Annotated[Path, typer.Option("--output", "-o", help="写到哪个 xlsx 文件")],
    scheme: Annotated[
        str | None, typer.Option("--from", help="把这个方案写进模板，不给则为空模板", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="覆盖已有的文件")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """写出分组方案模板：把公布的方案录入其中，再用 import 导入。"""
    from tongpin.cli import scheme_commands

    scheme_commands.template(home, output, scheme, force=force)


@scheme_app.command("list")
def scheme_list(home: HomeOption = None, as_json: JsonOption = False, lang: LanguageOption = "zh") -> None:
    """列出现有方案。"""
    from tongpin.cli import scheme_commands

    if scheme_commands.list_(home):
        raise typer.Exit(EXIT_FINDINGS)


@scheme_app.command("show")
def scheme_show(
    scheme_id: Annotated[str, typer.Argument(metavar="ID")],
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """查看方案的规模与来源。"""
    from tongpin.cli import scheme_commands

    scheme_commands.show(home, scheme_id)


@scheme_app.command("check")
def scheme_check(
    scheme_id: Annotated[str, typer.Argument(metavar="ID")],
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """检查方案：到不了的组、空清单、没有名称的组、字典外的编码；自带病例逐例重跑。"""
    from tongpin.cli import scheme_commands

    if scheme_commands.check(home, scheme_id):
        raise typer.Exit(EXIT_FINDINGS)


@scheme_app.command("diff")
def scheme_diff(
    old: Annotated[str, typer.Argument(metavar="A", help="原方案的代号")],
    new: Annotated[str, typer.Argument(metavar="B", help="新方案的代号")],
    cases: Annotated[
        Path | None, typer.Option("--cases", help="用这个文件的病例看谁换了组", show_default=False)
    ] = None,
    loaded: Annotated[bool, typer.Option("--loaded", help="用工作目录里已装载的病例")] = False,
    weights_old: Annotated[
        Path | None, typer.Option("--weights-a", help="原方案的权重表（CSV：drg,weight）", show_default=False)
    ] = None,
    weights_new: Annotated[
        Path | None, typer.Option("--weights-b", help="新方案的权重表，默认同 --weights-a", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="明细写到这个 xlsx 或 csv", show_default=False)
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """对比两个方案：病组、规则、编码的增减，病例在组间的移动，权重的变化。"""
    from tongpin.cli import scheme_diff_command

    scheme_diff_command.diff(home, old, new, cases, (weights_old, weights_new), output, loaded=loaded)


@scheme_app.command("conformance")
def scheme_conformance(
    export: Annotated[
        Path | None, typer.Option("--export", help="把用例写成方案文件夹和病例文件", show_default=False)
    ] = None,
    answers: Annotated[
        Path | None, typer.Option("--answers", help="核对别的分组器的答案（文件或文件夹）", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """一致性用例：小规则、病例与答案；跑本软件的两种分法，或核对别的分组器。"""
    from tongpin.cli import conformance_command

    if conformance_command.conformance(export, answers):
        raise typer.Exit(EXIT_FINDINGS)


@app.command()
def group(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="病例文件：通用格式、4101 JSON 或 HQMS CSV")],
    scheme: Annotated[str, typer.Option("--scheme", help="方案代号")],
    output: Annotated[Path, typer.Option("-o", "--output", help="结果文件 .csv 或 .parquet")],
    explain: Annotated[bool, typer.Option("--explain", help="每例附上入组路径（JSON）")] = False,
    by_interpreter: Annotated[bool, typer.Option("--interpreter", help="用解释器逐例求值，供核对")] = False,
    kind: Annotated[str | None, typer.Option("--kind", help="文件种类，默认自动识别", show_default=False)] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """给一个文件的病例分组。"""
    from tongpin.cli import group_command

    if group_command.run(home, source, kind, scheme, output, explain=explain, by_interpreter=by_interpreter):
        raise typer.Exit(EXIT_FINDINGS)


@app.command()
def why(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="病例文件，同 group")],
    scheme: Annotated[str, typer.Option("--scheme", help="方案代号")],
    case_id: Annotated[
        str | None, typer.Option("--case", help="病例号，文件只有一例时可省略", show_default=False)
    ] = None,
    others: Annotated[
        list[str] | None,
        typer.Option("--not", help="为什么不是这个 DRG、ADRG 或 MDC，可写几次", show_default=False),
    ] = None,
    page: Annotated[Path | None, typer.Option("--html", help="写成一页 .html", show_default=False)] = None,
    full: Annotated[bool, typer.Option("--full", help="连同没有成立的每一条规则")] = False,
    kind: Annotated[str | None, typer.Option("--kind", help="文件种类，默认自动识别", show_default=False)] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """一例为什么入这个组、为什么不是另一个组、为什么没有入组。"""
    from tongpin.cli import why_command

    why_command.run(home, source, kind, scheme, case_id, others or [], page, full=full)


@app.command()
def settle(
    month: MonthOption,
    area: AreaOption = None,
    draft: Annotated[bool, typer.Option("--draft", help="试算：写出草稿，不关账")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """月度结算：关账并写出月度支付情况表；已关账的月份只重印。"""
    from tongpin.cli import money_commands

    money_commands.settle(home, month, area, draft=draft)


app.command()(clear)
app.command()(negotiate)


@app.command()
def explain(
    case_id: Annotated[str | None, typer.Argument(metavar="CASE", help="清单的结算号", show_default=False)] = None,
    others: Annotated[
        list[str] | None,
        typer.Option("--not", help="为什么不是这个 DRG、ADRG 或 MDC，可写几次", show_default=False),
    ] = None,
    page: Annotated[Path | None, typer.Option("--html", help="入组说明写成一页 .html", show_default=False)] = None,
    institution: Annotated[
        str | None, typer.Option("--institution", help="说清一家机构的数：机构代码", show_default=False)
    ] = None,
    fund: Annotated[str, typer.Option("--fund", help="与 --institution 一起：基金代码")] = "310",
    month: Annotated[
        str | None, typer.Option("--month", help="与 --institution 一起：该月支付情况表的数", show_default=False)
    ] = None,
    year: Annotated[
        int | None, typer.Option("--year", help="与 --institution 一起：该年清算的数", show_default=False)
    ] = None,
    field: Annotated[
        str | None, typer.Option("--field", help="与 --month 一起：哪一栏，例如 盈亏 的列名或表头", show_default=False)
    ] = None,
    area: AreaOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """每一元从哪里来：一例的入组、权重、费率、各付费方；或一家机构某月、某年的一笔数、它的公式与背后的清单。"""
    if institution is not None and case_id is None and (month is None) != (year is None):
        from tongpin.cli import amount_commands

        amount_commands.explain(home, institution, fund, month=month, year=year, field=field, area=area)
        return
    if case_id is None or institution is not None:
        raise typer.BadParameter("写一份清单的结算号，或写 --institution 与 --month、--year 之一")
    from tongpin.cli import money_commands

    money_commands.explain(home, case_id, others or [], page)


@app.command()
def compare(
    scheme: Annotated[
        str | None, typer.Option("--scheme", help="用哪个方案分组，默认付费办法所用的", show_default=False)
    ] = None,
    month: Annotated[
        str | None, typer.Option("--month", help="只比较该月出院的，例如 2025-06", show_default=False)
    ] = None,
    code_map: Annotated[
        Path | None,
        typer.Option("--map", help="编码对照表（code-map），默认用已装载的，再用方案自带的", show_default=False),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="结果表 .xlsx", show_default=False)] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """同源比较：同一次住院的结算清单与病案首页，逐项列出差别，并比较病组。"""
    from tongpin.cli import compare_command

    compare_command.compare(home, scheme, month, code_map, output)


@app.command()
def coverage(as_json: JsonOption = False, lang: LanguageOption = "zh") -> None:
    """需求登记：每条需求做到哪一步、在哪里、由什么测试证明。"""
    from tongpin.cli import house_commands

    house_commands.coverage()


@app.command()
def bench(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]",
            help="grouping 分组；load 装载；pricing 定价；month 月结；impact 草案试算；clearing 年度清算；dip 病种；"
            "measures 指标与试算；forecast 预测回测；web 工作台；faults 杀死清算与月结",
        ),
    ] = "grouping",
    cases: Annotated[
        int | None, typer.Option("--cases", min=1, help="病例数；分组一百万起连同整座城市", show_default=False)
    ] = None,
    scheme: Annotated[
        str | None, typer.Option("--scheme", help="分组基准用哪个方案，默认演示方案", show_default=False)
    ] = None,
    runs: Annotated[
        int | None,
        typer.Option("--runs", min=1, help="faults 杀死清算的次数，默认 200；月结另杀一半", show_default=False),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    lang: LanguageOption = "zh",
) -> None:
    """基准：与只读或只解析同一份数据的时间放在一起。"""
    from tongpin.cli import house_commands

    house_commands.bench(name, home, cases, scheme, runs)
