package getlist

import (
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"example.com/wechatcustomers/gen/api"
	"example.com/wechatcustomers/internal/apierr"
	"example.com/wechatcustomers/internal/fold"
	"example.com/wechatcustomers/internal/listing"
	"example.com/wechatcustomers/internal/tagids"
)

// wanted is what the caller asks for, in the terms of the queries.
type wanted struct {
	filter listing.Filter

	perPage, page int
	beforeID      *uint64 // rows with smaller ids, in place of a page
	omitTags      bool
	omitEmployees bool
}

// toWanted reads the parameters, which are valid by the document. What the document cannot say it checks itself: Invalid with the fields.
func toWanted(p api.GetListParams) (wanted, error) {
	w := wanted{perPage: 15, page: 1}
	if p.PerPage != nil {
		w.perPage = int(*p.PerPage)
	}
	if p.Page != nil {
		w.page = int(*p.Page)
	}
	if p.BeforeID != nil {
		if p.Page != nil {
			return w, apierr.Bad(apierr.Field{Field: "before_id", Message: "不能与 page 同时使用", Got: apierr.Quote(strconv.FormatInt(*p.BeforeID, 10))})
		}
		id := uint64(*p.BeforeID)
		w.beforeID = &id
	}
	if p.Omit != nil {
		lists := strings.Split(*p.Omit, ",")
		w.omitTags, w.omitEmployees = slices.Contains(lists, "tag"), slices.Contains(lists, "employee")
	}

	kind := p.SearchType
	if p.SearchLeixing != nil {
		if kind != nil && *kind != *p.SearchLeixing {
			return w, apierr.Bad(apierr.Field{Field: "search[type]", Message: "与 search[类型] 不同,两者含义相同,请只传一个", Got: apierr.Quote(strconv.Itoa(int(*kind)))})
		}
		kind = p.SearchLeixing
	}
	w.filter.ExternalType = (*int32)(kind)
	w.filter.Status = (*int32)(p.SearchStatus)
	if p.SearchAddWayType != nil {
		way := uint32(*p.SearchAddWayType)
		w.filter.AddWay = &way
	}
	if p.SearchTime != nil {
		w.filter.TimeFrom, w.filter.TimeTo = seconds((*p.SearchTime)[0]), seconds((*p.SearchTime)[1])
	}
	if userid := trimmed(p.SearchEmployeeMember); userid != "" {
		w.filter.Userid = &userid
		// WeCom's userids are ASCII, and so is the column: compared with anything else it would not use its index.
		w.filter.Nothing = strings.ContainsFunc(userid, func(r rune) bool { return r > unicode.MaxASCII })
	}
	if p.SearchMember != nil {
		uid, err := strconv.ParseUint(*p.SearchMember, 10, 32)
		member := uint32(uid)
		w.filter.Member = &member
		w.filter.Nothing = w.filter.Nothing || err != nil
	}
	w.filter.Remark = contains(p.SearchRemark)
	if w.filter.Customer = contains(p.SearchCustomer); w.filter.Customer.Valid {
		id := trimmed(p.SearchCustomer)
		w.filter.ExternalUserid = &id
	}
	if p.SearchTagsData != nil {
		w.filter.TagIDs = tagids.Split(*p.SearchTagsData)
	}
	return w, nil
}

// seconds returns one side of the time range, nil where it is open.
func seconds(digits string) *int64 {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return nil // the document lets only the empty text through
	}
	return &n
}

// contains returns what the folded columns are searched for; no filter where only white space is left.
func contains(query *string) sql.NullString {
	folded := fold.Query(trimmed(query))
	return sql.NullString{String: folded, Valid: folded != ""}
}

func trimmed(s *string) string {
	if s == nil {
		return ""
	}
	return strings.TrimSpace(*s)
}
