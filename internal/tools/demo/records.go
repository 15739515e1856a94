package demo

// The records of an import: the contract's own objects, with its keys in its order
// and its types (add_way and main_department are strings, the *_at are written out).

type business struct {
	Uniacid int    `json:"uniacid"`
	ID      int    `json:"id"`
	Name    string `json:"name"`
}

type manager struct {
	Uniacid    int `json:"uniacid"`
	UID        int `json:"uid"`
	BusinessID int `json:"business_id"`
}

// employee is has_one_employee.
type employee struct {
	ID             int     `json:"id"`
	Uniacid        int     `json:"uniacid"`
	BusinessID     int     `json:"business_id"`
	UID            int     `json:"uid"`
	UserID         string  `json:"user_id"`
	Name           string  `json:"name"`
	Mobile         string  `json:"mobile"`
	Position       string  `json:"position"`
	Gender         int     `json:"gender"`
	Telephone      string  `json:"telephone"`
	Email          string  `json:"email"`
	Avatar         string  `json:"avatar"`
	Alias          string  `json:"alias"`
	Status         int     `json:"status"`
	QRCode         string  `json:"qr_code"`
	Address        string  `json:"address"`
	OpenUserid     string  `json:"open_userid"`
	MainDepartment string  `json:"main_department"`
	UpdatedAt      *string `json:"updated_at"`
	CreatedAt      string  `json:"created_at"`
	DeletedAt      *string `json:"deleted_at"`
	RightType      int     `json:"right_type"`
	Disabled       int     `json:"disabled"`
}

// customer is has_one_customer.
type customer struct {
	ID              int     `json:"id"`
	Uniacid         int     `json:"uniacid"`
	CropID          int     `json:"crop_id"`
	UID             int     `json:"uid"`
	ExternalUserid  string  `json:"external_userid"`
	Name            string  `json:"name"`
	Avatar          string  `json:"avatar"`
	ExternalType    int     `json:"external_type"`
	Gender          int     `json:"gender"`
	Unionid         string  `json:"unionid"`
	Position        string  `json:"position"`
	CorpName        string  `json:"corp_name"`
	CorpFullName    string  `json:"corp_full_name"`
	ExternalProfile string  `json:"external_profile"`
	IsMember        int     `json:"is_member"`
	CreatedAt       string  `json:"created_at"`
	UpdatedAt       *string `json:"updated_at"`
	DeletedAt       *string `json:"deleted_at"`
}

// tag is an entry of tag[].
type tag struct {
	ID         int     `json:"id"`
	Uniacid    int     `json:"uniacid"`
	CropID     int     `json:"crop_id"`
	TagID      string  `json:"tag_id"`
	Name       string  `json:"name"`
	CreateTime int64   `json:"create_time"`
	Order      int     `json:"order"`
	CreatedAt  string  `json:"created_at"`
	UpdatedAt  *string `json:"updated_at"`
	DeletedAt  *string `json:"deleted_at"`
	GroupID    string  `json:"group_id"`
	GroupName  string  `json:"group_name"`
}

// follow is a row of data[] without has_one_customer and has_one_employee.
type follow struct {
	ID                 int     `json:"id"`
	Uniacid            int     `json:"uniacid"`
	CropID             int     `json:"crop_id"`
	UID                int     `json:"uid"`
	Userid             string  `json:"userid"`
	ExternalUserid     string  `json:"external_userid"`
	Remark             string  `json:"remark"`
	Description        string  `json:"description"`
	CustomerCreateTime int64   `json:"customer_create_time"`
	RemarkCorpName     string  `json:"remark_corp_name"`
	RemarkMobiles      string  `json:"remark_mobiles"`
	OperUserid         string  `json:"oper_userid"`
	TagID              string  `json:"tag_id"`
	Createtime         int64   `json:"createtime"`
	AddWay             string  `json:"add_way"`
	State              string  `json:"state"`
	Status             int     `json:"status"`
	CreatedAt          string  `json:"created_at"`
	UpdatedAt          *string `json:"updated_at"`
	DeletedAt          *string `json:"deleted_at"`
	TagName            string  `json:"tag_name"`
}
