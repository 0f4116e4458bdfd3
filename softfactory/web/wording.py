"""The words of the page, in English and in Chinese, as the browser prefers."""

from collections.abc import Mapping
from typing import Literal

Language = Literal["en", "zh"]
CHINESE_TAGS = ("zh", "zh-CN", "zh-TW", "zh-HK", "zh-SG")
WORDS: dict[str, tuple[str, str]] = {
    # The beginning
    "headline": ("What shall we build?", "想做一个什么软件？"),
    "promise": (
        "Describe it in a sentence or two. A company of roles writes the requirements, asks for "
        "your approval, then designs, codes and tests it.",
        "用一两句话说清楚就行。公司里的各个角色会写出需求，请你批准，然后设计、编码并测试。",
    ),
    "idea": ("Your idea", "你的想法"),
    "idea_hint": ("A snake game in the browser …", "一个浏览器里的贪吃蛇游戏……"),
    "model": ("Model", "模型"),
    "model_hint": (
        "NAME or PROVIDER:NAME; its key is read from the server's environment",
        "名称，或 提供商:名称；密钥从服务器的环境变量读取",
    ),
    "build": ("Build it", "开始制作"),
    "examples": (
        "Or watch a recorded example. It needs no model and no key",
        "或者先看一个录制好的示例：不需要模型，也不需要密钥",
    ),
    "watch": ("Watch this one", "看这个"),
    "more": ("More settings", "更多设置"),
    "base_url": ("Address of an OpenAI-compatible endpoint", "OpenAI 兼容接口的地址"),
    "budget": ("Budget (3.00 dollars, or 200k tokens)", "预算（3.00 美元，或 200k token）"),
    "gates": ("Ask me before going on after", "在这些步骤之后先问我"),
    "roles": ("A model of its own for a role", "为某个角色单独指定模型"),
    "thorough": ("Second readings even for small products", "小产品也做二次审阅"),
    "runs": ("Runs", "运行记录"),
    "no_runs": ("Nothing has been built here yet.", "这里还没有做过任何东西。"),
    "new": ("New idea", "新想法"),
    "no_idea": ("First say what shall be built.", "请先说说要做什么。"),
    "no_such_run": ("There is no such run.", "没有这个运行。"),
    # Gates
    "your_turn": ("Your decision is needed", "等待你的决定"),
    "read": ("Read", "阅读"),
    "edit_tab": ("Edit", "编辑"),
    "edit_hint": ("Change what you like, then approve your edits.", "随意修改，然后批准修改稿。"),
    "feedback": ("What should be different?", "希望怎样修改？"),
    "feedback_hint": ("In your own words …", "用你自己的话……"),
    "hint": ("A hint for the company", "给公司的提示"),
    "new_budget": ("New budget (empty: twice as much)", "新预算（留空：加倍）"),
    "approve": ("Approve", "批准"),
    "edit": ("Approve my edits", "批准我的修改"),
    "revise": ("Ask for changes", "要求修改"),
    "retry": ("Go on, with more", "追加并继续"),
    "approve_as_is": ("Take it as it is", "就这样接受"),
    "keep": ("Keep mine", "保留我的"),
    "take": ("Take the company's", "采用公司的"),
    "stop_here": ("Stop", "停止"),
    "say_what": ("Say what should be different.", "请说明希望怎样修改。"),
    "gone": (
        "This question is no longer open: it was answered, or something else is asked now.",
        "这个问题已经关闭：已有人回答，或现在问的是别的事。",
    ),
    "unfit": ("This does not fit", "内容不符合要求"),
    # On top
    "stop": ("Stop", "停止"),
    "resume": ("Resume", "继续"),
    "download": ("Download", "下载"),
    "tokens": ("tokens", "token"),
    "of": ("of", "/"),
    "free": ("recorded, nothing spent", "录制，未花费"),
    "price_unknown": ("price unknown", "价格未知"),
    "working": ("at work", "工作中"),
    "interrupted": ("interrupted", "已中断"),
    "waiting": ("waiting for you", "等你决定"),
    "limit": ("needs your help", "需要你的帮助"),
    "stopped": ("stopped", "已停止"),
    "paused": ("paused", "已暂停"),
    "failed": ("failed", "失败"),
    "delivered": ("delivered", "已交付"),
    # Stages
    "stage_requirements": ("Requirements", "需求"),
    "stage_approval": ("Approval", "批准"),
    "stage_design": ("Design", "设计"),
    "stage_tasks": ("Tasks", "任务"),
    "stage_code": ("Code", "编码"),
    "stage_test": ("Test", "测试"),
    "stage_delivery": ("Delivery", "交付"),
    "round_review": ("review", "评审"),
    "round_qa": ("tests", "测试"),
    # Shelves
    "talk": ("Conversation", "对话"),
    "docs": ("Documents", "文档"),
    "plan": ("Plan", "计划"),
    "files": ("Files", "文件"),
    "changes": ("Changes", "变更"),
    "tests": ("Tests", "测试"),
    "preview": ("Try it", "试用"),
    "graph": ("Graph", "流程图"),
    "log": ("Log", "日志"),
    "nothing_yet": (
        "Nothing yet. It appears here as soon as there is something.",
        "暂时没有。一有内容就会出现在这里。",
    ),
    "open_alone": ("Open in a window of its own", "在新窗口打开"),
    "not_a_page": (
        "This product is not a web page. This is what it printed when it was tried:",
        "这个产品不是网页。以下是试运行时的输出：",
    ),
    "how_to_run": ("How to run it", "如何运行"),
    "passed": ("passed", "通过"),
    "failing": ("failed", "失败"),
    "skipped": ("skipped", "跳过"),
    "test": ("Test", "测试"),
    "requirement": ("Requirement", "需求"),
    "output": ("What was printed", "输出"),
    "pictures": ("Screenshots", "截图"),
    "report": ("Report", "报告"),
    "too_long": (
        "… and more: download the product to see all of it",
        "……还有更多：下载产品查看全部",
    ),
    "no_text": ("This file is no text.", "这个文件不是文本。"),
    "fork": ("Fork here", "从这里分叉"),
    "fork_hint": (
        "A fork begins a new run where this one stood, and pays only for what differs.",
        "分叉会从那一步开始一个新的运行，只为不同的部分付费。",
    ),
    "steps": ("Steps", "步骤"),
    "undo": ("Undo the last step", "撤销最后一步"),
    "beginning_step": ("the idea", "想法"),
    "say": ("A word to the company", "对公司说句话"),
    "say_hint": (
        "Everybody hears it with their next answer …",
        "大家在下一次回答时都会听到……",
    ),
    "send": ("Say it", "发送"),
    # Conversation
    "asks_you": ("asks you", "请你决定"),
    "you_answered": ("Answered", "已答复"),
    "approved": ("Approved", "已批准"),
    "asked_changes": ("Asked for changes", "已要求修改"),
    "testing": ("tests the product", "测试产品"),
    "committed": ("wrote", "写好了"),
    "and_more": ("and {} more", "等，另有 {} 个"),
    "known": ("known from the ledger", "账本中已有"),
    "tokens_in_out": ("{} tokens in, {} out", "输入 {} token，输出 {}"),
    # Roles
    "Product Manager": ("Product Manager", "产品经理"),
    "Architect": ("Architect", "架构师"),
    "Project Manager": ("Project Manager", "项目经理"),
    "Engineer": ("Engineer", "工程师"),
    "Code Reviewer": ("Code Reviewer", "代码评审"),
    "QA Engineer": ("QA Engineer", "测试工程师"),
    "Human": ("You", "你"),
    "Company": ("Company", "公司"),
    # Skills
    "search_and_summarize": ("looks around on the web", "上网调研"),
    "write_prd": ("writes the requirements", "撰写需求"),
    "write_prd_review": ("reads the requirements again", "复审需求"),
    "design_api": ("designs the parts", "设计各部分"),
    "design_api_review": ("reads the design again", "复审设计"),
    "design_filenames": ("plans the files", "规划文件"),
    "analyze_dep_libs": ("chooses packages", "选择依赖库"),
    "project_management": ("cuts the work into packages", "划分工作包"),
    "write_code": ("writes code", "编写代码"),
    "write_code_review": ("reviews the code", "评审代码"),
    "write_test": ("writes tests", "编写测试"),
    "run_code": ("says how to try it", "制定试运行方案"),
    "debug_error": ("looks for the cause", "查找原因"),
    "azure_tts": ("prepares a spoken summary", "准备语音摘要"),
    # Nodes of the graph
    "approve_prd": ("You: requirements", "你：需求"),
    "approve_design": ("You: design", "你：设计"),
    "approve_plan": ("You: plan", "你：计划"),
    "approve_delivery": ("You: delivery", "你：交付"),
    "ask_human": ("You: help", "你：协助"),
    "static_check": ("Static check", "静态检查"),
    "integration": ("Integration", "集成"),
    "delivery": ("Delivery", "交付"),
    # Gates, as choices
    "gate_prd": ("the requirements", "需求"),
    "gate_design": ("the design", "设计"),
    "gate_plan": ("the plan", "计划"),
    "gate_delivery": ("the tests", "测试"),
}


class Wording:
    """The words for one visitor."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._column = 0 if language == "en" else 1

    def __getitem__(self, key: str) -> str:
        return WORDS[key][self._column]

    def get(self, key: str) -> str:
        """The word for a name of the program's own; the name itself where there is none."""
        return WORDS[key][self._column] if key in WORDS else key


def wording(headers: Mapping[str, str]) -> Wording:
    """Chinese if the browser would rather have it than English."""
    for part in headers.get("accept-language", "").lower().split(","):
        tag = part.split(";")[0].strip()
        if tag.startswith("zh"):
            return Wording("zh")
        if tag.startswith("en"):
            return Wording("en")
    return Wording("en")


def translations() -> dict[str, dict[str, str]]:
    """All words by the names that browsers give to the languages."""
    english = {key: pair[0] for key, pair in WORDS.items()}
    chinese = {key: pair[1] for key, pair in WORDS.items()}
    return {"en": english, **dict.fromkeys(CHINESE_TAGS, chinese)}
