"""Every sentence that a citizen reads, in one table, for whoever reads them over once.

`{h}` is the hotline's number, `{n}` the fewest characters of an own password, `{code}` the short
code, `{authority}` who keeps the data, `{idle}` how long a page may lie unused; what else stands in
braces comes with the page. Nothing here is markup.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil
from types import MappingProxyType

from smsgw.config import Settings

#: Which version of the policy and of the sentence above the box a citizen agrees to; a new one
#: whenever what they say changes.
POLICY = "2026-11"

#: What the account's history calls what happened, and what a citizen reads.
HISTORY: Mapping[str, str] = MappingProxyType(
    {
        "registered": "Đăng ký bằng tin nhắn",
        "reset": "Nhận mật khẩu mới bằng tin nhắn",
        "lapsed": "Mật khẩu trong tin nhắn hết hạn và được thay",
        "ended": "Mật khẩu trong tin nhắn hết hạn",
        "undeliverable": "Mật khẩu bị xóa vì tin nhắn không đến được điện thoại",
        "own password": "Chọn mật khẩu của riêng bạn",
        "new password": "Tổng đài cấp mật khẩu mới",
        "closed": "Đóng tài khoản",
        "log-in": "Đăng nhập",
        "data confirmed": "Xác nhận thông tin",
        "data changed": "Sửa thông tin",
        "disclosed": "Chuyển thông tin",
    }
)

_WRONG_LOG_IN = (
    "Tên tài khoản hoặc mật khẩu không đúng. Nếu đã nhận nhiều tin nhắn, hãy dùng mật khẩu trong "
    "tin nhắn mới nhất. Mật khẩu trong tin nhắn không có các ký tự 0, o, 1, l, i."
)

#: What pages say, by page and place.
TEXTS: Mapping[str, str] = MappingProxyType(
    {
        # --- everywhere
        "skip": "Chuyển đến nội dung chính",
        "back": "Quay lại",
        "continue": "Tiếp tục",
        "change": "Sửa",
        "optional": "(không bắt buộc)",
        "footer.hotline": "Tổng đài: {h}",
        "footer.help": "Trợ giúp",
        "footer.policy": "Chính sách dữ liệu",
        "summary": "Có lỗi cần sửa",
        "error": "Lỗi: ",
        "closes": "Trang này tự đóng sau {idle} không dùng.",
        "never-asks": "Cán bộ và tổng đài không bao giờ hỏi mật khẩu của bạn.",
        "service": "Tài khoản chính quyền điện tử",
        "saved": "Đã lưu.",
        # --- /dang-nhap
        "login.h1": "Đăng nhập",
        "login.lead": "Dùng tên tài khoản (TK) và mật khẩu (MK) trong tin nhắn từ {code}. "
        "Nếu đã đổi mật khẩu, hãy dùng mật khẩu của bạn.",
        "login.username": "Tên tài khoản (số CMND/CCCD)",
        "login.username.hint": "9 hoặc 12 chữ số",
        "login.password": "Mật khẩu",
        "login.show": "Hiện mật khẩu khi nhập",
        "login.hide": "Ẩn mật khẩu khi nhập",
        "login.button": "Đăng nhập",
        "login.forgot": "Quên mật khẩu",
        "login.no-account": "Chưa có tài khoản",
        "login.diacritics": "Mật khẩu bạn vừa nhập có chữ có dấu. Hãy tắt bộ gõ tiếng Việt rồi "
        "nhập lại.",
        # --- notices
        "notice.wait": "Đã nhập sai nhiều lần cho tên tài khoản này. Hãy thử lại sau {wait}. "
        "Nhập lại trước lúc đó không được kiểm tra và không làm thời gian chờ dài thêm.",
        "notice.shut": "Đã nhập sai quá nhiều lần cho tên tài khoản này. Nếu là tài khoản của bạn, "
        "hãy nhắn lại tin đăng ký tới {code} để nhận mật khẩu mới, hoặc gọi tổng đài {h}.",
        "notice.shut.refuse": "Đã nhập sai quá nhiều lần cho tên tài khoản này. Nếu là tài khoản "
        "của bạn, hãy gọi tổng đài {h}.",
        "notice.network": "Có quá nhiều lần đăng nhập không thành công từ mạng này. "
        "Hãy thử lại sau {wait}.",
        "notice.busy": "Hệ thống đang bận, yêu cầu của bạn chưa được xử lý. "
        "Hãy thử lại sau ít phút.",
        "notice.idle": "Bạn đã không dùng trang này trong {idle} nên đã được đăng xuất. "
        "Hãy đăng nhập lại.",
        "notice.over": "Phiên làm việc đã kết thúc. Hãy đăng nhập lại.",
        "notice.replaced": "Mật khẩu của tài khoản đã thay đổi nên phiên làm việc này đã kết thúc. "
        "Hãy đăng nhập bằng mật khẩu mới nhất.",
        "notice.stale": "Trang này đã mở quá lâu nên chưa gửi được. "
        "Hãy kiểm tra lại rồi bấm nút một lần nữa.",
        "notice.cookie": "Trình duyệt đang chặn cookie. "
        "Hãy cho phép cookie của trang này rồi thử lại.",
        # --- /mat-khau-moi
        "own.h1": "Chọn mật khẩu của riêng bạn",
        "own.until": "Mật khẩu trong tin nhắn chỉ dùng được đến {moment}.",
        "own.lead": "Hãy chọn mật khẩu mới chỉ mình bạn biết.",
        "own.rules": "Cần ít nhất {n} ký tự. Ba từ bất kỳ ghép lại vừa dễ nhớ vừa khó đoán. "
        "Không bắt buộc có chữ hoa, chữ số hay ký tự đặc biệt; có thể dùng dấu cách. "
        "Không dùng họ tên, ngày sinh, số điện thoại hoặc số CMND/CCCD.",
        "own.keyboard": "Hãy tắt bộ gõ tiếng Việt (Telex, VNI) khi nhập mật khẩu.",
        "own.password": "Mật khẩu mới",
        "own.button": "Lưu mật khẩu",
        "own.accept": "Tôi muốn dùng mật khẩu có dấu",
        # --- diacritics, moved
        "diacritics.h1": "Mật khẩu của bạn có chữ có dấu",
        "diacritics.typed": "Bạn đã nhập: {typed}. Trên máy không gõ được dấu, bạn sẽ không đăng "
        "nhập được.",
        "diacritics.use": "Dùng mật khẩu này",
        "diacritics.other": "Chọn mật khẩu khác",
        "moved.h1": "Mật khẩu trong tin nhắn đã được thay",
        "moved.lead": "Mật khẩu bạn dùng để đăng nhập đã được thay bằng mật khẩu mới, gửi bằng tin "
        "nhắn đến điện thoại đã đăng ký. Mật khẩu bạn vừa chọn chưa được lưu. Hãy đăng nhập lại "
        "bằng mật khẩu trong tin nhắn mới nhất.",
        "moved.button": "Đăng nhập lại",
        # --- /thong-tin/…
        "full_name.h1": "Họ và tên có dấu của bạn là gì?",
        "full_name.hint": "Viết như trên CMND/CCCD. Tên trong tin nhắn đăng ký: {texted}",
        "full_name.row": "Họ và tên",
        "full_name.change": "Sửa họ và tên",
        "gender.h1": "Giới tính của bạn là gì?",
        "gender.male": "Nam",
        "gender.female": "Nữ",
        "gender.row": "Giới tính",
        "gender.change": "Sửa giới tính",
        "id.h1": "CMND/CCCD của bạn được cấp khi nào, ở đâu?",
        "id.date": "Ngày cấp",
        "id.date.row": "Ngày cấp",
        "id.date.change": "Sửa ngày cấp",
        "id.date.hint": "Ví dụ: 27 3 2015",
        "id.day": "Ngày",
        "id.month": "Tháng",
        "id.year": "Năm",
        "id.by": "Nơi cấp",
        "id.by.row": "Nơi cấp",
        "id.by.change": "Sửa nơi cấp",
        "id.by.hint": "Viết như trên CMND/CCCD, ví dụ: Công an thành phố Đà Nẵng",
        "home.h1": "Nơi thường trú của bạn ở tỉnh, thành phố nào?",
        "home.ward.h1": "Nơi thường trú của bạn ở phường, xã nào?",
        "home.row": "Nơi thường trú",
        "home.change": "Sửa nơi thường trú",
        "living.h1": "Nơi ở hiện tại của bạn có phải là nơi thường trú không?",
        "living.yes": "Phải",
        "living.no": "Không, tôi ở nơi khác",
        "living.ward.h1": "Nơi ở hiện tại của bạn ở phường, xã nào?",
        "living.row": "Nơi ở hiện tại",
        "living.same": "Như nơi thường trú",
        "living.change": "Sửa nơi ở hiện tại",
        "address.province": "Tỉnh, thành phố",
        "address.ward": "Phường, xã hoặc đặc khu",
        "address.street": "Số nhà, đường, tổ, thôn",
        "address.street.hint": "Có thể ghi thêm tên phường, xã, quận, huyện cũ",
        "email.h1": "Thư điện tử (không bắt buộc)",
        "email.hint": "Để cổng dịch vụ công gửi kết quả. Không dùng để đăng nhập hay lấy lại mật "
        "khẩu.",
        "email.skip": "Bỏ qua",
        "email.row": "Thư điện tử",
        "email.none": "Không có",
        "email.change": "Sửa thư điện tử",
        # --- /thong-tin/kiem-tra, /hoan-tat
        "check.h1": "Kiểm tra lại thông tin",
        "check.cmnd": "Số CMND/CCCD",
        "check.birth": "Ngày sinh",
        "check.phone": "Số điện thoại",
        "check.texted": "Lấy từ tin nhắn đăng ký, không sửa được tại đây. "
        "Nếu sai, hãy gọi tổng đài {h}.",
        "check.consent": "{authority} dùng các thông tin này để lập và quản lý tài khoản và điền "
        "sẵn hồ sơ khi bạn dùng dịch vụ công trực tuyến; chỉ chuyển cho các cổng nêu trong Chính "
        "sách dữ liệu. Bạn có quyền xem, sửa, tải về, yêu cầu xóa, hạn chế hoặc phản đối việc xử "
        "lý, rút lại sự đồng ý và khiếu nại.",
        "check.agree": "Tôi đã đọc và đồng ý",
        "check.button": "Xác nhận và lưu",
        "check.changed": "Thông tin đã được sửa ở một cửa sổ khác. Hãy kiểm tra lại",
        "done.h1": "Tài khoản của bạn đã sẵn sàng",
        "done.lead": "Từ nay hãy đăng nhập bằng số CMND/CCCD và mật khẩu bạn đã chọn. "
        "Bạn sẽ không nhận tin nhắn nhắc đổi mật khẩu nữa.",
        "done.onward": "Tiếp tục tới {portal}",
        "done.account": "Đến tài khoản của tôi",
        # --- /tai-khoan
        "account.h1": "Tài khoản của tôi",
        "account.last": "Lần đăng nhập trước: {moment}. Số lần nhập sai từ đó: {wrong}.",
        "account.not-you": "Nếu không phải bạn, hãy đổi mật khẩu ngay.",
        "account.data": "Thông tin cá nhân",
        "account.password": "Đổi mật khẩu",
        "account.own-data": "Dữ liệu của tôi",
        "account.devices": "Thiết bị đang đăng nhập",
        "account.this": "Thiết bị này",
        "account.used": "Đăng nhập {since}, dùng lần cuối {used}",
        "account.end-others": "Đăng xuất các thiết bị khác",
        "account.logout": "Đăng xuất",
        "account.changed": "Đã đổi mật khẩu. Các thiết bị khác đã được đăng xuất.",
        # --- /doi-mat-khau
        "change.h1": "Đổi mật khẩu",
        "change.now": "Mật khẩu hiện tại",
        "change.button": "Đổi mật khẩu",
        # --- help
        "forgot.h1": "Quên mật khẩu",
        "forgot.text": "Từ điện thoại đã đăng ký, nhắn lại tin đăng ký tới {code} (1.500 đồng mỗi "
        "tin): TK,Ho va Ten,CMND,ngaysinh. Ví dụ: TK,Nguyen Van An,201234567,01.02.1990. "
        "Số CMND/CCCD và ngày sinh phải giống lần trước. Mật khẩu mới được gửi về điện thoại đó; "
        "tối đa 3 lần một ngày.",
        "forgot.link": "Nhắn tin tới {code}",
        "forgot.call": "Hãy gọi tổng đài {h}; mật khẩu mới được gửi về điện thoại đã đăng ký.",
        "forgot.phone": "Không còn dùng số điện thoại đó? Hãy gọi tổng đài {h}.",
        "help.h1": "Trợ giúp",
        "help.register.h2": "Chưa có tài khoản",
        "help.register": "Nhắn tin tới {code} (1.500 đồng mỗi tin): TK,Ho va Ten,CMND,ngaysinh. "
        "Ví dụ: TK,Nguyen Van An,201234567,01.02.1990. Tên tài khoản (TK) và mật khẩu (MK) được "
        "gửi về điện thoại đó.",
        "help.call.h2": "Cần người giúp",
        "help.call": "Hãy gọi tổng đài {h}.",
        "policy.h1": "Chính sách dữ liệu",
        "policy.who.h2": "Ai giữ dữ liệu",
        "policy.who": "{authority} giữ các thông tin mà bạn đã nhắn tin đăng ký và đã nhập trên "
        "trang này.",
        "policy.why.h2": "Để làm gì",
        "policy.to.h2": "Chuyển cho ai",
        "policy.to": "Thông tin của bạn chỉ được chuyển cho các cổng sau đây, khi bạn đăng nhập "
        "vào các cổng đó:",
        "policy.to.none": "Hiện chưa có cổng nào.",
        "policy.rights.h2": "Quyền của bạn",
        "policy.rights": "Xem và tải về tại trang Dữ liệu của tôi; sửa tại trang Tài khoản của "
        "tôi. Để yêu cầu xóa, hạn chế hoặc phản đối việc xử lý, rút lại sự đồng ý hoặc khiếu nại, "
        "hãy gọi tổng đài {h}.",
        # --- /dang-xuat
        "logout.h1": "Bạn muốn đăng xuất?",
        "logout.button": "Đăng xuất",
        "logout.stay": "Ở lại",
        "logout.done.h1": "Bạn đã đăng xuất",
        "logout.done": "Nếu dùng máy chung, hãy đóng trình duyệt.",
        # --- /du-lieu-cua-toi
        "data.h1": "Dữ liệu của tôi",
        "data.kept": "Thông tin đang lưu",
        "data.history": "Lịch sử tài khoản",
        "data.disclosed": "Đã chuyển cho",
        "data.nobody": "Chưa chuyển cho ai.",
        "data.download": "Tải về",
        "data.end": "Muốn rút lại sự đồng ý hoặc xóa tài khoản? Hãy gọi tổng đài {h}.",
        # --- errors
        "oidc.h1": "Không mở được trang đăng nhập",
        "oidc.lead": "Hãy quay lại cổng dịch vụ công và bấm Đăng nhập lần nữa.",
        "missing.h1": "Không tìm thấy trang",
        "missing.lead": "Nếu bạn gõ địa chỉ, hãy kiểm tra lại.",
        "missing.link": "Đến trang đăng nhập",
        "slow": "Kết nối quá chậm, yêu cầu chưa được xử lý. Hãy thử lại.",
        "long": "Nội dung gửi lên quá dài.",
        "fault.h1": "Hệ thống gặp lỗi",
        "away.h1": "Hệ thống tạm ngừng",
        "fault.lead": "Thông tin bạn vừa gửi chưa được lưu. Hãy thử lại sau ít phút. Nếu vẫn lỗi, "
        "hãy gọi tổng đài {h} và đọc mã {id}.",
    }
)

_STREET = "Bạn cần nhập số nhà, đường, tổ hoặc thôn"
_WARD = "Bạn cần chọn phường, xã hoặc đặc khu"
_PROVINCE = "Bạn cần chọn tỉnh hoặc thành phố"
_LONG = "Không được dài quá 200 ký tự"
_CHARACTERS = "Có ký tự không dùng được. Hãy gõ lại, đừng dán"
_WARD_ELSEWHERE = "Phường, xã đã chọn không thuộc {province}"

#: What is wrong with a field, by field and reason; the same at the field and in the summary.
FAULTS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("username", "required"): "Bạn cần nhập tên tài khoản",
        ("username", "form"): "Tên tài khoản phải có 9 hoặc 12 chữ số",
        ("password", "required"): "Bạn cần nhập mật khẩu",
        ("password", "wrong"): _WRONG_LOG_IN,
        ("password", "now_required"): "Bạn cần nhập mật khẩu hiện tại",
        ("password", "now_wrong"): "Mật khẩu hiện tại không đúng",
        ("new_password", "required"): "Bạn chưa nhập mật khẩu mới",
        ("new_password", "too_short"): "Mật khẩu mới phải có ít nhất {n} ký tự",
        ("new_password", "too_long"): "Mật khẩu mới không được dài quá 128 ký tự",
        ("new_password", "common"): "Mật khẩu này có nhiều người dùng nên dễ bị đoán. "
        "Hãy chọn mật khẩu khác",
        ("new_password", "personal"): "Mật khẩu không được là họ tên, ngày sinh, số điện thoại "
        "hoặc số CMND/CCCD của bạn",
        ("new_password", "repeated"): "Mật khẩu không được chỉ là một ký tự lặp lại hoặc một dãy "
        "liên tiếp",
        ("new_password", "same_as_old"): "Mật khẩu mới giống mật khẩu cũ, hãy chọn một mật khẩu "
        "khác",
        ("new_password", "control_characters"): "Mật khẩu có ký tự không dùng được. "
        "Hãy gõ lại, đừng dán",
        ("full_name", "required"): "Bạn cần nhập họ và tên",
        (
            "full_name",
            "not_the_texted_name",
        ): "Họ và tên khi bỏ dấu phải giống tên đã đăng ký: {texted}. "
        "Nếu tên đã đăng ký bị sai, hãy gọi tổng đài {h}",
        ("gender", "required"): "Bạn cần chọn giới tính",
        ("id_issued_day", "required"): "Bạn cần nhập ngày cấp",
        ("id_issued_day", "incomplete"): "Ngày cấp phải có đủ ngày, tháng, năm",
        ("id_issued_day", "no_such_date"): "Ngày cấp phải là một ngày có thật",
        ("id_issued_day", "in_the_future"): "Ngày cấp không được lớn hơn ngày hiện tại",
        ("id_issued_day", "not_after_birth"): "Ngày cấp phải sau ngày sinh của bạn",
        ("id_issued_by", "required"): "Bạn cần nhập nơi cấp",
        ("id_issued_by", "too_long"): _LONG,
        ("id_issued_by", "characters"): _CHARACTERS,
        ("home_province", "required"): _PROVINCE,
        ("home_ward", "required"): _WARD,
        ("home_ward", "not_in_province"): _WARD_ELSEWHERE,
        ("home_street", "required"): _STREET,
        ("home_street", "too_long"): _LONG,
        ("home_street", "characters"): _CHARACTERS,
        ("living_same", "required"): "Bạn cần chọn một câu trả lời",
        ("living_province", "required"): _PROVINCE,
        ("living_ward", "required"): _WARD,
        ("living_ward", "not_in_province"): _WARD_ELSEWHERE,
        ("living_street", "required"): _STREET,
        ("living_street", "too_long"): _LONG,
        ("living_street", "characters"): _CHARACTERS,
        ("email", "no_address"): "Thư điện tử phải có dạng ten@vidu.vn",
        ("agree", "required"): "Bạn cần đánh dấu vào ô đồng ý để hoàn tất",
        ("agree", "changed"): TEXTS["check.changed"],
    }
)


class Words:
    """The table, as this installation says it."""

    def __init__(self, settings: Settings) -> None:
        portal = settings.portal
        if portal is None:
            raise ValueError("there is no [portal]")
        self._zone = settings.gateway.timezone
        self._values = {
            "h": portal.hotline,
            "n": settings.registration.own_password_min,
            "code": settings.gateway.shortcode,
            "authority": portal.authority,
            "idle": span(portal.session_idle),
        }

    def __call__(self, key: str, **values: object) -> str:
        """The sentence *key* of `TEXTS`."""
        return TEXTS[key].format_map(self._values | values)

    def fault(self, field: str, reason: str, **values: object) -> str:
        """What is wrong with *field*."""
        return FAULTS[field, reason].format_map(self._values | values)

    def moment(self, at: datetime) -> str:
        """Such as "07:00 ngày 5/6/2026", on the clocks of this country."""
        local = at.astimezone(self._zone)
        return f"{local:%H:%M} ngày {local.day}/{local.month}/{local.year}"


def span(time: timedelta) -> str:
    """*time* in words, never shorter than it is: "30 giây", "2 phút", "1 giờ"."""
    seconds = ceil(time.total_seconds())
    if seconds < 60:
        return f"{max(seconds, 1)} giây"
    minutes = ceil(seconds / 60)
    return f"{minutes} phút" if minutes % 60 else f"{minutes // 60} giờ"
