package bench

import "strings"

// What names and remarks are made of; what is frequent stands several times.
var (
	surnames = strings.Fields(`王 李 张 刘 陈 王 李 张 刘 陈 王 李 张 杨 赵 黄 周 吴 徐 孙 胡 朱 高 林 何 郭
		马 罗 梁 宋 郑 谢 韩 唐 冯 于 董 萧 程 曹 欧阳 司徒`)
	givenNames = strings.Fields(`伟 强 磊 军 洋 勇 杰 涛 超 明 刚 平 辉 鹏 华 飞 芳 娜 敏 静 丽 艳 娟 霞
		秀英 桂英 建华 建国 志强 志明 海涛 文杰 浩然 子轩 宇航 俊杰 博文 嘉伟 永康 晓东 一鸣 梓豪 婷婷 思雨
		雨桐 欣怡 诗涵 佳怡 静怡 慧敏 春梅 可馨 若曦 紫萱 松 鹤 延平`)
	nicknames = strings.Split(`阳光总在风雨后,小鱼🐟,Lily,Abe,大海🌊,静静的等待,Kevin Chen,一米阳光☀️,向日葵🌻,`+
		`Ａlice,随缘,平安喜乐,奔跑的蜗牛🐌,Mr.Wang,橙子🍊,Jack_李,岁月静好,薄荷糖,🌙月亮,小红豆,Tony老师✂️,`+
		`不忘初心,花开富贵🌸,JOJO,云淡风轻,老张,木子,糖糖妈妈👩‍👧,Anna 安娜,天道酬勤,夏天的风,柠檬🍋,Ｍ１２３,`+
		`追梦人,清风,一鸣惊人,鹤舞白沙,松间明月,流年,ひまわり,José`, ",")
	cities     = strings.Fields(`广州 深圳 佛山 东莞 杭州 上海 北京 成都 武汉 长沙 厦门 苏州 南京 西安 重庆 青岛`)
	titles     = strings.Fields(`总 经理 老师 姐 哥 主任 店长 老板`)
	industries = strings.Fields(`科技 商贸 教育 餐饮 传媒 物流 电商 装饰 医疗 服饰 食品 网络`)
	notes      = strings.Fields(`采购 A类 老客户 转介绍 VIP 同学 已签约 待跟进 团购 １２月到期 100%回购 渠道_华南
		要发票 试用中 B2B ⭐重点 🔥急 二次开发 周一开展 参会 每周回访`)
	descriptions = strings.Split(`春季活动认识，对小程序商城感兴趣。|需要报价，月底前回复。|老客户介绍，信任度高。|`+
		`已签年框合同，每季度对账。|只用微信联系，不要打电话。|问过会员系统和分销功能。|预算 3-5 万，决策人是老板。|`+
		"Follow up in Q3, prefers English.|门店 2 家，计划再开 1 家\n地址待确认", "|")
	pinyinNames = strings.Fields(`WangLei LiWei ZhangMin LiuYang ChenJing YangFan ZhaoQiang
		HuangYan ZhouTao WuTing XuLi SunXin`)
)

// ways are the sources (add_way), the rarest being the one that the rare mix asks for.
var ways = []int{
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 2, 2, 4, 4, 8, 8, 0, 201, 201, rareWay,
}
