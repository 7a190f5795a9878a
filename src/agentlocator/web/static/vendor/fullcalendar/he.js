/*!
FullCalendar (Vanilla JS) v7.1.0
Docs & License: https://fullcalendar.io
(c) 2026 Adam Shaw
*/
(function ({ F: globalLocales }) {
    

    var __he$l33 = {
        code: 'he',
        direction: 'rtl',
        prevText: 'הקודם',
        nextText: 'הבא',
        todayText: 'היום',
        yearText: 'שנה',
        monthText: 'חודש',
        weekTextLong: 'שבוע',
        dayText: 'יום',
        listText: 'סדר יום',
        allDayText: 'כל היום',
        moreLinkText: 'נוספים',
        noEventsText: 'אין אירועים להצגה',
    };

    globalLocales.push(__he$l33);

})(FullCalendar.Shared);
