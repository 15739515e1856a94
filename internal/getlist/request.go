package getlist

import (
	"slices"
	"strconv"
	"strings"

	"example.com/wechatcustomers/gen/api"
	"example.com/wechatcustomers/internal/apierr"
	"example.com/wechatcustomers/internal/filter"
	"example.com/wechatcustomers/internal/index"
)

// wanted is what the caller of getList asks for.
type wanted struct {
	filter filter.Filter

	order         index.Order
	perPage, page int64
	beforeID      *uint64 // rows with smaller ids, in place of a page
	omitTags      bool
	omitEmployees bool
}

// farPage is beyond every list's last page; there is no difference between the pages behind it.
const farPage = 1 << 40

// toWanted reads the parameters, which are valid by the document. What the document cannot say it
// checks itself: Invalid with the fields.
func toWanted(p *api.GetListParams) (wanted, error) {
	w := wanted{perPage: 15, page: 1}
	if p.PerPage != nil {
		w.perPage = int64(*p.PerPage)
	}
	if p.Page != nil {
		w.page = *p.Page
	}
	if p.Sort != nil {
		w.order = orders[*p.Sort]
	}
	if p.BeforeID != nil {
		wrong := apierr.Field{Field: "before_id", Got: apierr.Quote(strconv.FormatInt(*p.BeforeID, 10))}
		switch {
		case p.Page != nil:
			wrong.Message = "不能与 1 以外的 page 同时使用"
			return w, apierr.Bad(wrong)
		case w.order != index.NewestID:
			wrong.Message = "只能与默认的 sort 一起使用"
			return w, apierr.Bad(wrong)
		}
		id := uint64(*p.BeforeID)
		w.beforeID = &id
	}
	if p.Omit != nil {
		lists := strings.Split(*p.Omit, ",")
		w.omitTags, w.omitEmployees = slices.Contains(lists, "tag"), slices.Contains(lists, "employee")
	}
	var err error
	w.filter, err = filter.Read(p)
	return w, err
}

var orders = map[api.Sort]index.Order{
	api.SortByIDDesc: index.NewestID, api.SortByCreatetimeDesc: index.NewestTime, api.SortByCreatetime: index.OldestTime,
}

// window returns the part of the list that is asked for; of a walk one row more, to know whether it
// goes on.
func (w *wanted) window() index.Window {
	if w.beforeID != nil {
		return index.Window{BeforeID: w.beforeID, Limit: w.perPage + 1}
	}
	return index.Window{Order: w.order, Offset: (min(w.page, farPage) - 1) * w.perPage, Limit: w.perPage}
}
